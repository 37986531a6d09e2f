//! News of a live page, as server-sent events.
//!
//! Each subscriber has a thread that looks at the files of the run once a second and sends the newest
//! version. Nothing is queued: a subscriber who is slow misses versions, and one who takes nothing is left
//! after a time. Training does not know of them.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The largest number of subscribers at the same time.
pub const MOST_SUBSCRIBERS: usize = 16;

/// The least time between two versions, which bounds how often the page is made.
const BETWEEN_VERSIONS: Duration = Duration::from_secs(1);

/// The time after which a comment shows that the connection stands, and whether the subscriber is there.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The interval at which the end of the run is looked for.
const PAUSE: Duration = Duration::from_millis(50);

/// What comes before the first event. A browser that lost the connection tries again after a second.
pub const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
    Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\nretry: 1000\n\n";

/// Those who are told of news, and how the run ended once it has.
#[derive(Debug, Default)]
pub struct Audience {
    n: Arc<AtomicUsize>,
    /// How the run ended.
    end: OnceLock<String>,
}

/// A place among the subscribers, which is free again when this value is dropped.
#[derive(Debug)]
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Audience {
    /// A place for one more subscriber; `None` if all are taken.
    pub fn seat(&self) -> Option<Seat> {
        let one_more = |n| (n < MOST_SUBSCRIBERS).then_some(n + 1);
        let taken = self.n.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Seat(self.n.clone()))
    }

    /// Whether nobody is subscribed.
    pub fn is_empty(&self) -> bool {
        self.n.load(Ordering::Relaxed) == 0
    }

    /// Tells all how the run ended, unless that is said already.
    pub fn end(&self, how: &str) {
        // A line break would end the event.
        let _ = self.end.set(how.replace(['\r', '\n'], " "));
    }

    /// Whether the run has ended.
    pub fn has_ended(&self) -> bool {
        self.end.get().is_some()
    }

    /// Sends each new version to a subscriber, who knows the version `known`, until the run ends. `before_write`
    /// is called before anything is sent.
    ///
    /// # Errors
    /// If the subscriber is gone or too slow.
    pub fn tell<W: Write>(
        &self,
        subscriber: &mut W,
        mut known: Option<String>,
        version: impl Fn() -> String,
        before_write: impl Fn(&mut W),
    ) -> std::io::Result<()> {
        let mut send = |text: &str| {
            before_write(subscriber);
            subscriber.write_all(text.as_bytes())?;
            subscriber.flush()
        };
        send(HEAD)?;
        let (mut looked, mut sent) = (None::<Instant>, Instant::now());
        loop {
            if let Some(how) = self.end.get() {
                return send(&format!("event: end\ndata: {how}\n\n"));
            }
            if looked.is_none_or(|looked| looked.elapsed() >= BETWEEN_VERSIONS) {
                looked = Some(Instant::now());
                let now = version();
                if known.as_ref() != Some(&now) {
                    send(&format!("id: {now}\nevent: version\ndata: {now}\n\n"))?;
                    (known, sent) = (Some(now), Instant::now());
                }
            }
            if sent.elapsed() >= HEARTBEAT {
                send(": the run goes on\n\n")?;
                sent = Instant::now();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_subscriber_hears_of_each_new_version_and_of_the_end() {
        let (audience, versions) = (Audience::default(), Mutex::new(vec!["b", "b", "a"]));
        let mut heard = Vec::new();
        let version = || {
            let mut left = versions.lock().unwrap();
            if left.len() == 1 {
                audience.end("finished\nafter 3 epochs");
            }
            left.pop().unwrap().to_string()
        };
        audience.tell(&mut heard, Some("a".to_string()), version, |_| {}).unwrap();
        let heard = String::from_utf8(heard).unwrap();
        let events = heard.strip_prefix(HEAD).unwrap();
        let expected = "id: b\nevent: version\ndata: b\n\n\
                        event: end\ndata: finished after 3 epochs\n\n";
        assert_eq!(events, expected);
    }

    #[test]
    fn seats_are_bounded_and_free_again() {
        let audience = Audience::default();
        let mut seats: Vec<_> = (0..MOST_SUBSCRIBERS).map(|_| audience.seat().unwrap()).collect();
        assert!(audience.seat().is_none());
        seats.pop();
        assert!(audience.seat().is_some());
        seats.clear();
        assert!(audience.is_empty());
    }
}
