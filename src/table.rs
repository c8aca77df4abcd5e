//! Tables: columns two spaces apart, no borders.

use comfy_table::presets;
use comfy_table::{ContentArrangement, Table};

use crate::report::Printable;

/// Lays out `rows` under `header`.
pub(crate) fn lay_out<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    for row in rows {
        // What others wrote stays in its cell.
        table.add_row(row.map(|cell| Printable(&cell).to_string()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // The last column's padding would leave spaces at the end of each line.
    table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_without_borders() {
        let rows = [["A".to_owned(), "1".to_owned()], ["LONGER_KEY".to_owned(), "22".to_owned()]];
        assert_eq!(lay_out(["KEY", "N"], rows), "KEY         N\nA           1\nLONGER_KEY  22\n");
    }
}
