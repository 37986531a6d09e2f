//! The report of a run while it is trained, in a browser on the same machine.
//!
//! A server for strangers' requests inside a process that must not fail: it reads a few kilobytes of
//! each at most, within seconds, answers once and hangs up.

use super::page::page;
use super::read;
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::monitor::{EpochRecord, Monitor};
use crate::run::{METRICS, SNAPSHOTS};
use crate::setting::invalid;
use crate::train::Trainer;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of a request that are read, at most.
const LONGEST_REQUEST: usize = 8192;

/// Headers of a request, at most.
const MOST_HEADERS: usize = 64;

/// How long a client may take for a read or a write.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often new clients are looked for.
const PAUSE: Duration = Duration::from_millis(30);

/// Clients that are answered at the same time.
const MOST_CLIENTS: usize = 16;

/// A server of one page, that of a run, to programs of this machine alone. It reads files of the run
/// and never writes; it ends with this value.
#[derive(Debug)]
pub struct Live {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Takes a port of the loopback address; 0: any that is free.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the port is taken.
    pub fn new(port: u16) -> Result<Self> {
        let bound = || -> std::io::Result<(TcpListener, SocketAddr)> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = bound()
            .map_err(|cause| invalid("live", port, format!("a port that is free ({cause})")))?;
        let (listener, is_over) = (Arc::new(listener), Arc::default());
        Ok(Self { listener, address, is_over, thread: None })
    }

    /// Where the page is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Monitor for Live {
    fn begin(&mut self, _trainer: &Trainer, folder: &Path, _past: &[EpochRecord]) -> Result<()> {
        let (listener, is_over) = (self.listener.clone(), self.is_over.clone());
        let (address, folder) = (self.address, Arc::new(folder.to_path_buf()));
        self.thread = Some(std::thread::spawn(move || {
            let n_clients = Arc::new(AtomicUsize::new(0));
            while !is_over.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::sleep(PAUSE);
                    continue;
                };
                if n_clients.load(Ordering::Relaxed) >= MOST_CLIENTS {
                    continue;
                }
                let (n_clients, folder) = (n_clients.clone(), folder.clone());
                n_clients.fetch_add(1, Ordering::Relaxed);
                // Nobody waits for it: whoever is slow holds up nobody else, nor the end of the run.
                std::thread::spawn(move || {
                    // Whoever asked may be gone.
                    drop(serve(stream, address, &folder));
                    n_clients.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }));
        Ok(())
    }

    fn after_epoch(
        &mut self,
        _trainer: &Trainer,
        _: FixedModel<'_>,
        _record: &EpochRecord,
    ) -> Result<()> {
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Reads one request and answers it.
fn serve(mut stream: TcpStream, address: SocketAddr, folder: &Path) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    let answer = loop {
        let n = stream.read(&mut part)?;
        request.extend_from_slice(&part[..n]);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&request) {
            Ok(httparse::Status::Complete(_)) => break answer(&parsed, address, folder),
            Ok(httparse::Status::Partial) if n > 0 && request.len() < LONGEST_REQUEST => {}
            _ => break text("400 Bad Request", "this is no request that can be answered"),
        }
    };
    let is_head = request.starts_with(b"HEAD ");
    let Answer { status, kind, body } = answer;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: frame-ancestors 'none'\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if !is_head {
        stream.write_all(body.as_bytes())?;
    }
    stream.flush()
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

/// The page, its version, or an error.
fn answer(request: &httparse::Request<'_, '_>, address: SocketAddr, folder: &Path) -> Answer {
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    // A page elsewhere may have a name that leads here: it is not to read this one.
    let hosts = [address.to_string(), format!("localhost:{}", address.port())];
    if !host.is_some_and(|host| hosts.iter().any(|other| other.as_bytes() == host.value)) {
        return text(
            "403 Forbidden",
            "only this machine, by its own address, may look at this run",
        );
    }
    if !matches!(request.method, Some("GET" | "HEAD")) {
        return text("405 Method Not Allowed", "there is nothing to do here but to look");
    }
    match request.path {
        Some("/") => {
            // First: what is new while the page is made is asked for again.
            let version = version(folder);
            match read(&[PathBuf::from(folder)]) {
                Ok(runs) => {
                    let body = page(&runs, Some(&version));
                    Answer { status: "200 OK", kind: "text/html", body }
                }
                Err(error) => text("500 Internal Server Error", &error.to_string()),
            }
        }
        Some("/version") => text("200 OK", &version(folder)),
        _ => text("404 Not Found", "there is but one page: /"),
    }
}

/// Changes whenever there is something new to see.
fn version(folder: &Path) -> String {
    let n_bytes = fs::metadata(folder.join(METRICS)).map_or(0, |metadata| metadata.len());
    let n_snapshots = fs::read_dir(folder.join(SNAPSHOTS)).into_iter().flatten().count();
    format!("{n_bytes}-{n_snapshots}")
}

fn text(status: &'static str, text: &str) -> Answer {
    Answer { status, kind: "text/plain", body: format!("{text}\n") }
}
