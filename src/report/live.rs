//! The report of a run during training, in a browser on the same computer.
//!
//! The server runs inside a process that must not fail. It reads at most a few kilobytes of a request,
//! within seconds, answers once and closes the connection.

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

/// The largest number of bytes that are read of a request.
const LONGEST_REQUEST: usize = 8192;

/// The largest number of headers in a request.
const MOST_HEADERS: usize = 64;

/// The time limit for a read or a write.
const PATIENCE: Duration = Duration::from_secs(2);

/// The interval at which new clients are accepted.
const PAUSE: Duration = Duration::from_millis(30);

/// The largest number of clients at the same time.
const MOST_CLIENTS: usize = 16;

/// A server of one page, the report of a run, for programs on this computer only. It reads the files of
/// the run and never writes. It stops when this value is dropped.
#[derive(Debug)]
pub struct Live {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// Binds a port of the loopback address; 0 takes any free port.
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

    /// The URL of the page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Monitor for Live {
    fn open(&mut self, folder: &Path) -> Result<()> {
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
                // Nothing waits for this thread, so a slow client delays neither others nor the run.
                std::thread::spawn(move || {
                    // An error means that the client is gone.
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
            _ => break text("400 Bad Request", "the request cannot be read"),
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
    // A foreign page may have a host name that resolves to this address; it must not read the report.
    let hosts = [address.to_string(), format!("localhost:{}", address.port())];
    if !host.is_some_and(|host| hosts.iter().any(|other| other.as_bytes() == host.value)) {
        return text(
            "403 Forbidden",
            "this page can be read only on this computer, at its own address",
        );
    }
    if !matches!(request.method, Some("GET" | "HEAD")) {
        return text("405 Method Not Allowed", "only GET and HEAD are allowed");
    }
    match request.path {
        Some("/") => {
            // The version comes first: news that arrives while the page is made changes it later.
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
        _ => text("404 Not Found", "the only page is /"),
    }
}

/// The version of the page, which changes with every new record or snapshot.
fn version(folder: &Path) -> String {
    let n_bytes = fs::metadata(folder.join(METRICS)).map_or(0, |metadata| metadata.len());
    let n_snapshots = fs::read_dir(folder.join(SNAPSHOTS)).into_iter().flatten().count();
    format!("{n_bytes}-{n_snapshots}")
}

fn text(status: &'static str, text: &str) -> Answer {
    Answer { status, kind: "text/plain", body: format!("{text}\n") }
}
