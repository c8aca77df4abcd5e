use cast::Client;

fn main() -> Result<(), cast::Error> {
    let client = Client::open()?;
    client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
    for secret in client.secrets().list("my-agent")? {
        println!("{}", secret.key); // names and times, never values
    }
    let ended = client.command("my-agent", "node").arg("agent.js").status()?;
    println!("{ended}");
    Ok(())
}
