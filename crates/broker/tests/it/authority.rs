//! A whole handshake by OpenSSL's own client, through the proxy.

use std::process::{Command, Stdio};

use crate::sides::{NAME, Run, way_in};

#[test]
fn openssl_speaks_through_the_proxy() {
    let run = Run::new(|mut line| {
        line.head();
    });
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    std::fs::write(&pem, run.broker().ca_pem()).unwrap();
    let (address, credential) = way_in(run.broker());
    for (asked, version, is_accepted) in
        [(NAME, "-tls1_3", true), (NAME, "-tls1_2", true), (NAME, "-tls1_1", false), ("other.test", "-tls1_3", false)]
    {
        let output = Command::new("openssl")
            .args(["s_client", version, "-proxy", &address, "-proxy_user", "cast"])
            .args(["-proxy_pass", &format!("pass:{credential}"), "-connect", &format!("{NAME}:443")])
            .args(["-servername", asked, "-verify_hostname", asked, "-verify_return_error", "-CAfile"])
            .arg(&pem)
            .args(["-alpn", "h2,http/1.1"])
            .stdin(Stdio::null())
            .output();
        let Ok(output) = output else {
            cast_testing::skip("the broker: there is no 'openssl'");
            return;
        };
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.success(), is_accepted, "{asked} {version}: {said}");
        if is_accepted {
            assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
            assert!(said.contains("Verification: OK"), "{said}");
        }
    }
    run.host.seen.assert_nothing();
}
