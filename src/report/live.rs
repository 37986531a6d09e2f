//! The report of a run during training, in a browser on the same computer.
//!
//! The server runs inside a process that must not fail. It reads at most a few kilobytes of a request, answers once and
//! closes the connection, but for the subscribers of [`super::events`]. A client has a few seconds for its request and
//! a few for the answer, however it spreads its bytes. The page is made once a version, for all clients.

use super::events::{Audience, Seat};
use super::page::page;
use super::read;
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::monitor::{EpochRecord, Monitor};
use crate::run::{EVALUATION, METRICS, SNAPSHOTS};
use crate::setting::invalid;
use crate::train::Trainer;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// The largest number of bytes that are read of a request.
const LONGEST_REQUEST: usize = 8192;

/// The largest number of headers in a request.
const MOST_HEADERS: usize = 64;

/// The time in which a client must send its request.
const TIME_TO_ASK: Duration = Duration::from_secs(2);

/// The time in which a client must take the answer.
const TIME_TO_READ: Duration = Duration::from_secs(10);

/// The port that browsers do not name.
const HTTP: u16 = 80;

/// The interval at which new clients are accepted.
const PAUSE: Duration = Duration::from_millis(30);

/// The largest number of clients at the same time; others wait.
const MOST_CLIENTS: usize = 16;

/// The time in which those who watch can get the last page.
const FAREWELL: Duration = Duration::from_millis(700);

/// A server of one page, the report of a run, for programs on this computer only. It reads the files of
/// the run and never writes. It stops when this value is dropped.
#[derive(Debug)]
pub struct Live {
    listener: Arc<TcpListener>,
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    audience: Arc<Audience>,
    /// The number of epochs done.
    epoch: usize,
    /// When those who were told of the end have had their time.
    farewell: Option<Instant>,
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
        let (listener, is_over, audience) = (Arc::new(listener), Arc::default(), Arc::default());
        Ok(Self { listener, address, is_over, audience, epoch: 0, farewell: None, thread: None })
    }

    /// The URL of the page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Tells all who watch how the run ended, such as "finished", unless that is said already.
    pub fn end(&mut self, how: &str) {
        if self.farewell.is_none() && !self.audience.is_empty() {
            self.farewell = Some(Instant::now() + FAREWELL);
        }
        let epochs = if self.epoch == 1 { "epoch" } else { "epochs" };
        self.audience.end(&format!("{how} after {} {epochs}", self.epoch));
    }
}

impl Monitor for Live {
    fn open(&mut self, folder: &Path) -> Result<()> {
        let (listener, is_over) = (self.listener.clone(), self.is_over.clone());
        let site = Arc::new(Site {
            address: self.address,
            folder: folder.to_path_buf(),
            page: Mutex::new(None),
            audience: self.audience.clone(),
        });
        self.thread = Some(std::thread::spawn(move || {
            let n_clients = Arc::new(AtomicUsize::new(0));
            while !is_over.load(Ordering::Relaxed) {
                let is_full = n_clients.load(Ordering::Relaxed) >= MOST_CLIENTS;
                let Some((stream, _)) = (!is_full).then(|| listener.accept().ok()).flatten() else {
                    std::thread::sleep(PAUSE);
                    continue;
                };
                let (n_clients, site) = (n_clients.clone(), site.clone());
                n_clients.fetch_add(1, Ordering::Relaxed);
                // Nothing waits for this thread, so a slow client does not delay the run.
                std::thread::spawn(move || {
                    // An error means that the client is gone or too slow.
                    let subscriber = site.serve(stream);
                    n_clients.fetch_sub(1, Ordering::Relaxed);
                    if let Ok(Some(subscriber)) = subscriber {
                        drop(site.follow(subscriber));
                    }
                });
            }
        }));
        Ok(())
    }

    fn begin(&mut self, _trainer: &Trainer, past: &[EpochRecord]) -> Result<()> {
        self.epoch = past.last().map_or(0, |record| record.epoch);
        Ok(())
    }

    fn after_epoch(
        &mut self,
        _trainer: &Trainer,
        _: FixedModel<'_>,
        record: &EpochRecord,
    ) -> Result<()> {
        self.epoch = record.epoch;
        Ok(())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end("ended");
        if let Some(farewell) = self.farewell {
            std::thread::sleep(farewell.saturating_duration_since(Instant::now()));
        }
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A connection with a time limit for all that is read, and another for all that is written.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    /// The time that is left, which is above 0.
    fn left(&self) -> std::io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(bytes)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

/// What is served, and where.
struct Site {
    address: SocketAddr,
    folder: PathBuf,
    /// The newest page and its version.
    page: Mutex<Option<(String, Arc<str>)>>,
    audience: Arc<Audience>,
}

/// A client who waits for news.
struct Subscriber {
    client: Timed,
    seat: Seat,
    /// The version that it has seen before the connection was lost.
    known: Option<String>,
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: Arc<str>,
}

impl Site {
    /// Reads one request and answers it, unless it asks for news and there is a seat.
    fn serve(&self, stream: TcpStream) -> std::io::Result<Option<Subscriber>> {
        stream.set_nonblocking(false)?;
        let mut client = Timed { stream, deadline: Instant::now() + TIME_TO_ASK };
        let mut request = Vec::new();
        let mut part = [0; 1024];
        let answer = loop {
            let n = client.read(&mut part)?;
            request.extend_from_slice(&part[..n]);
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&request) {
                Ok(httparse::Status::Complete(_)) => match self.answer(&parsed) {
                    Ok(answer) => break answer,
                    Err(seat) => {
                        let known = header(&parsed, "last-event-id");
                        let known = known.map(|id| String::from_utf8_lossy(id).into_owned());
                        return Ok(Some(Subscriber { client, seat, known }));
                    }
                },
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
        client.deadline = Instant::now() + TIME_TO_READ;
        client.write_all(head.as_bytes())?;
        if !is_head {
            client.write_all(body.as_bytes())?;
        }
        client.flush()?;
        Ok(None)
    }

    /// Sends news to a subscriber until the run ends.
    fn follow(&self, subscriber: Subscriber) -> std::io::Result<()> {
        let Subscriber { mut client, seat: _seat, known } = subscriber;
        let in_time = |client: &mut Timed| client.deadline = Instant::now() + TIME_TO_READ;
        self.audience.tell(&mut client, known, || self.version(), in_time)
    }

    /// The page, its version, or an error; the seat of a client who asks for news.
    fn answer(&self, request: &httparse::Request<'_, '_>) -> Result<Answer, Seat> {
        let host = header(request, "host");
        if !host.is_some_and(|host| is_own_host(host, self.address)) {
            return Ok(text(
                "403 Forbidden",
                "this page can be read only on this computer, at its own address",
            ));
        }
        if !matches!(request.method, Some("GET" | "HEAD")) {
            return Ok(text("405 Method Not Allowed", "only GET and HEAD are allowed"));
        }
        Ok(match request.path {
            Some("/events") if request.method == Some("GET") => match self.audience.seat() {
                Some(seat) => return Err(seat),
                None => text(
                    "503 Service Unavailable",
                    "too many pages watch this run already; ask for /version now and then",
                ),
            },
            Some("/") => match self.page() {
                Ok(body) => Answer { status: "200 OK", kind: "text/html", body },
                Err(error) => text("500 Internal Server Error", &error.to_string()),
            },
            Some("/version") => text("200 OK", &self.version()),
            _ => text("404 Not Found", "the only page is /"),
        })
    }

    /// The version of the page; the end of the run makes another.
    fn version(&self) -> String {
        format!("{}{}", version(&self.folder), if self.audience.has_ended() { "-end" } else { "" })
    }

    /// The page, which is made if it is not of the present version. Others wait for it meanwhile.
    fn page(&self) -> Result<Arc<str>> {
        let mut newest = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        // The version comes first: news that arrives while the page is made changes it later.
        let version = self.version();
        if let Some((_, page)) = newest.as_ref().filter(|(of, _)| *of == version) {
            return Ok(page.clone());
        }
        let made: Arc<str> =
            page(&read(std::slice::from_ref(&self.folder))?, Some(&version)).into();
        *newest = Some((version, made.clone()));
        Ok(made)
    }
}

/// The value of a header.
fn header<'a>(request: &httparse::Request<'_, 'a>, name: &str) -> Option<&'a [u8]> {
    let mut headers = request.headers.iter();
    headers.find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// Whether the host of a request is this server. A foreign page may have a host name that resolves to this
/// address; it must not read the report.
fn is_own_host(host: &[u8], address: SocketAddr) -> bool {
    let (ip, port) = (address.ip().to_string(), address.port());
    [ip.as_str(), "localhost"].iter().any(|name| {
        host == format!("{name}:{port}").as_bytes() || (port == HTTP && host == name.as_bytes())
    })
}

/// The version of the page, which changes with every new record, snapshot or evaluation.
fn version(folder: &Path) -> String {
    let n_bytes = fs::metadata(folder.join(METRICS)).map_or(0, |metadata| metadata.len());
    let n_snapshots = fs::read_dir(folder.join(SNAPSHOTS)).into_iter().flatten().count();
    let evaluation = fs::metadata(folder.join(EVALUATION)).and_then(|file| file.modified()).ok();
    let evaluated = evaluation.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{n_bytes}-{n_snapshots}-{}", evaluated.map_or(0, |time| time.as_nanos()))
}

fn text(status: &'static str, text: &str) -> Answer {
    Answer { status, kind: "text/plain", body: format!("{text}\n").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Browsers do not name port 80.
    #[test]
    fn a_host_is_this_server_with_its_port() {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        for (host, port, is_own) in [
            ("127.0.0.1:8090", 8090, true),
            ("localhost:8090", 8090, true),
            ("127.0.0.1", 8090, false),
            ("localhost:80", 8090, false),
            ("127.0.0.1", 80, true),
            ("localhost", 80, true),
            ("localhost:80", 80, true),
            ("evil.example", 80, false),
            ("", 80, false),
        ] {
            assert_eq!(is_own_host(host.as_bytes(), address(port)), is_own, "{host} at {port}");
        }
    }

    /// A client that sends a byte now and then has no more time than one that sends nothing.
    #[test]
    fn a_deadline_holds_for_all_reads_together() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let drip = std::thread::spawn({
            let is_over = is_over.clone();
            move || {
                let mut stream = TcpStream::connect(address).unwrap();
                while !is_over.load(Ordering::Relaxed) && stream.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        let (stream, _) = listener.accept().unwrap();
        let start = Instant::now();
        let mut client = Timed { stream, deadline: start + Duration::from_millis(200) };
        let error = client.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20));
        is_over.store(true, Ordering::Relaxed);
        drip.join().unwrap();
    }

    #[test]
    fn a_page_is_made_once_a_version() {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let site = Site {
            address,
            folder: folder.path().to_path_buf(),
            page: Mutex::new(None),
            audience: Arc::default(),
        };
        assert!(site.page().is_err(), "no run yet");
        fs::write(folder.path().join(crate::run::SETTINGS), "").unwrap();
        let first = site.page().unwrap();
        assert!(Arc::ptr_eq(&first, &site.page().unwrap()));
        fs::create_dir(folder.path().join(SNAPSHOTS)).unwrap();
        assert!(Arc::ptr_eq(&first, &site.page().unwrap()));
        fs::write(folder.path().join(SNAPSHOTS).join("new"), "").unwrap();
        assert!(!Arc::ptr_eq(&first, &site.page().unwrap()));
    }
}
