//! The report of a run while it is trained, in a browser on the same machine.

use super::page::page;
use super::read;
use crate::error::Result;
use crate::monitor::{EpochRecord, Monitor};
use crate::setting::invalid;
use crate::train::Trainer;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tiny_http::{Header, Method, Request, Response, Server};

/// A server of one page, that of a run, to programs of this machine alone. It reads files of the run
/// and never writes; it ends with this value.
pub struct Live {
    server: Arc<Server>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Takes a port of the loopback address; 0: any that is free.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the port is taken.
    pub fn new(port: u16) -> Result<Self> {
        let taken = |cause| invalid("live", port, format!("a port that is free ({cause})"));
        let server = Server::http((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
        let address = server.server_addr().to_ip().ok_or_else(|| taken("no address".into()))?;
        Ok(Self { server: Arc::new(server), address, thread: None })
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Monitor for Live {
    fn begin(&mut self, _trainer: &Trainer, folder: &Path, _past: &[EpochRecord]) -> Result<()> {
        let (server, address) = (self.server.clone(), self.address);
        let folder = folder.to_path_buf();
        self.thread = Some(std::thread::spawn(move || {
            for request in server.incoming_requests() {
                let response = answer(&request, address, &folder);
                // Whoever asked may be gone.
                drop(request.respond(response));
            }
        }));
        Ok(())
    }

    fn after_epoch(&mut self, _trainer: &Trainer, _record: &EpochRecord) -> Result<()> {
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

type Answer = Response<std::io::Cursor<Vec<u8>>>;

/// The page, its version, or an error.
fn answer(request: &Request, address: SocketAddr, folder: &Path) -> Answer {
    let header = |name: &'static str| {
        let found = request.headers().iter().find(|header| header.field.equiv(name));
        found.map(|header| header.value.as_str())
    };
    // A page elsewhere may have a name that leads here: it is not to read this one.
    let hosts = [address.to_string(), format!("localhost:{}", address.port())];
    if !header("Host").is_some_and(|host| hosts.iter().any(|other| other == host)) {
        return text(403, "only this machine, by its own address, may look at this run");
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return text(405, "there is nothing to do here but to look");
    }
    match request.url() {
        "/" => match read(&[PathBuf::from(folder)]) {
            Ok(runs) => html(page(&runs, true)),
            Err(error) => text(500, &error.to_string()),
        },
        "/version" => text(200, &version(folder)),
        _ => text(404, "there is but one page: /"),
    }
}

/// Changes whenever there is something new to see.
fn version(folder: &Path) -> String {
    let metrics = std::fs::metadata(folder.join(crate::run::METRICS));
    metrics.map_or(0, |metadata| metadata.len()).to_string()
}

fn text(status: u16, text: &str) -> Answer {
    let body = format!("{text}\n");
    with_type(Response::from_string(body).with_status_code(status), "text/plain; charset=utf-8")
}

fn html(page: String) -> Answer {
    with_type(Response::from_string(page), "text/html; charset=utf-8")
}

fn with_type(response: Answer, kind: &str) -> Answer {
    let headers = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "frame-ancestors 'none'"),
    ];
    headers.into_iter().fold(response, |response, (name, value)| {
        let header = Header::from_bytes(name, value).expect("plain text");
        response.with_header(header)
    })
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("address", &self.address).finish_non_exhaustive()
    }
}
