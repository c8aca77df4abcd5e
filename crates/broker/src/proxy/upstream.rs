//! The connection to a brokered host: nothing is written to it before its name is verified.

use std::io;
use std::rc::Rc;

use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::outer::reach;
use super::shared::Shared;
use super::stream::Early;
use crate::authority::Authority;
use crate::limits;
use crate::refusal::Refusal;

/// Connects to `host` and verifies its name.
pub(super) async fn connect(shared: Rc<Shared>, host: Authority) -> Result<TlsStream<Early>, Refusal> {
    let unreachable = |reason: String| Refusal::Unreachable { host: host.clone(), reason };
    let stream = reach(&shared.outer, &host, true).await.map_err(|error| unreachable(error.to_string()))?;
    let config = shared.client().map_err(|error| unreachable(format!("the roots cannot be used: {error}")))?;
    let name = ServerName::try_from(host.host().to_owned()).map_err(|_| unreachable("it is not a name".to_owned()))?;
    match timeout(limits::TLS_TIME, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(mut stream)) => {
            stream.get_mut().1.set_buffer_limit(Some(limits::TLS_OUT));
            Ok(stream)
        }
        Ok(Err(error)) => Err(match unverified(&error) {
            Some(reason) => Refusal::Unverified { host: host.clone(), reason },
            None => unreachable(error.to_string()),
        }),
        Err(_) => Err(unreachable("its TLS handshake takes too long".to_owned())),
    }
}

/// Why a certificate does not verify, in words; `None` for other failures.
fn unverified(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(why) = error else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => "its issuer is not known".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        CertificateError::Revoked => "it was revoked".to_owned(),
        other => format!("it is not valid ({other:?})"),
    })
}
