//! Reports of healthy, sick and odd runs, of several runs, and of a run in training.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

const LINE: &str = "train --data greys.idx --hidden 16 --epochs 4 --batch-size 50 --quiet";

fn page(folder: &Folder, run: &str) -> String {
    let page = String::from_utf8(folder.read(&format!("{run}/report.html"))).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    // The page loads nothing: every address is a data URL, and there are no links.
    for part in page.split(['"', '\'']) {
        let is_name = part == "http://www.w3.org/2000/svg";
        assert!(is_name || !(part.starts_with("http") || part.starts_with("//")), "{part}");
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
    page
}

fn findings(page: &str) -> Vec<&str> {
    page.split("data-name=\"").skip(1).map(|part| part.split('"').next().unwrap()).collect()
}

/// The number of points in a chart.
fn n_points(page: &str, chart: &str) -> usize {
    let chart = page.split(&format!("id=\"chart-{chart}\"")).nth(1).unwrap();
    let chart = chart.split("</figure>").next().unwrap();
    let linear = chart.split("class=\"linear\"").nth(1).unwrap();
    linear.split("</svg>").next().unwrap().matches("class=\"point\"").count()
}

#[test]
fn a_run_ends_with_its_report() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out run --validation 40"));
    let page = page(&folder, "run");
    // Training and held-out examples.
    assert_eq!(n_points(&page, "pseudo_likelihood"), 8);
    assert_eq!(n_points(&page, "free_energy"), 8);
    assert_eq!(n_points(&page, "weights"), 64);
    assert!(!page.contains("chart-log_likelihood") && !page.contains("chart-swap_rates"));
    let n_images = page.matches("<img src=\"data:image/png;base64,").count();
    // Filters in two orders, samples of epochs 0, 1, 2 and 4 (v, and p(v | h)), reconstructions, activities.
    assert_eq!(n_images, 2 + 2 * 4 + 1 + 1);
    assert!(!page.contains("id=\"weight-map\""));
    assert_eq!(n_points(&page, "singular_values"), 4 * 16);
    assert!(page.contains("--validation 40"), "the command");
    assert!(folder.read("run/curves.svg").starts_with(b"<svg xmlns="));
    assert!(folder.picture("run/reconstructions.png").0 > 0);
    // The page shows an evaluation as long as it belongs to the run's present model.
    folder.succeed("evaluate run");
    let page = String::from_utf8(folder.read("run/report.html")).unwrap();
    let data = "on 40 examples of the run's validation data, ";
    assert!(
        page.contains(data) && page.contains("(last 40): <strong>exact</strong>"),
        "{page:.3000}"
    );

    folder.run("resume run --epochs 5 --quiet");
    let page = String::from_utf8(folder.read("run/report.html")).unwrap();
    assert!(page.contains("The log-likelihood is not known yet"), "{page:.3000}");

    folder.succeed(&format!("{LINE} --out without --no-report"));
    assert!(!folder.path("without/report.html").exists());
    folder.fail("report nowhere", "nowhere: does not hold a run");
    folder.fail("report run --out no/page.html", "no/page.html: cannot write");
    let line = "report run --out run/config.toml";
    folder.misuse(line, "out is run/config.toml, but must be a file that ends in .html");
}

#[test]
fn odd_runs_have_a_report_too() {
    let folder = Folder::new();
    let bits = ndarray::Array2::from_shape_fn((60, 7), |(n, i)| u8::from((n * n + i) % 3 == 0));
    folder.write_npy("bits.npy", bits.view());
    folder.succeed("train --data bits.npy --hidden 1 --epochs 1 --batch-size 20 --out one --quiet");
    let one = page(&folder, "one");
    assert_eq!(n_points(&one, "pseudo_likelihood"), 1);
    // The data are not images, so the pictures show the weights, the activities and the couplings of seven bits.
    assert_eq!(one.matches("<img").count(), 3);
    assert!(
        one.contains("id=\"weight-map\"") && one.contains("of the 1 hidden units"),
        "{one:.3000}"
    );
    assert_eq!(n_points(&one, "singular_values"), 2);
    assert!(one.contains("id=\"couplings\""));
    assert!(!one.contains("id=\"filters\"") && !folder.path("one/reconstructions.png").exists());

    let (_, _, _) = folder.run(&format!("{LINE} --out parts --stop-after 2epochs"));
    assert!(page(&folder, "parts").contains("was stopped; `harmonium resume` continues it"));
    folder.succeed("resume parts --quiet");
    let parts = page(&folder, "parts");
    assert_eq!(n_points(&parts, "pseudo_likelihood"), 4);
    assert!(parts.contains("is done, after epoch 4"), "{parts:.3000}");

    let (code, _, _) = folder.run(&format!("{LINE} --out diverged --learning-rate 1e5"));
    assert_eq!(code, Some(1));
    // A run that fails also has a report.
    let diverged = page(&folder, "diverged");
    assert_eq!(findings(&diverged), ["diverged"]);
    assert!(diverged.contains("It failed: diverged in epoch 1, at update 1"));

    let name = "<i>&\"'";
    let mut command = folder.command(LINE);
    assert!(command.args(["--out", name]).output().unwrap().status.success());
    let named = page(&folder, name);
    assert!(named.contains("<h1>&lt;i&gt;&amp;"), "{named:.3000}");
    assert!(!named.contains("<i>"), "a name became HTML");

    folder.succeed(
        "train --data bits.npy --algorithm pt --temperatures 3 --hidden 4 --epochs 3 \
                    --batch-size 20 --out tempered --quiet",
    );
    assert_eq!(n_points(&page(&folder, "tempered"), "swap_rates"), 6);
}

#[test]
fn several_runs_share_charts() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out a"));
    folder.succeed(&format!("{LINE} --out b --seed 5 --learning-rate 0.02"));
    assert_eq!(folder.succeed("report a b --out both.html"), "both.html\n");
    let page = String::from_utf8(folder.read("both.html")).unwrap();
    assert_eq!(n_points(&page, "pseudo_likelihood"), 8);
    assert!(page.contains("<th>learning_rate</th><th>seed</th>"), "{page:.3000}");
    assert!(page.contains("<td>0.02</td><td>5</td>") && !page.contains("<th>hidden</th><th>"));
}

/// All files of a folder by name.
fn files(folder: &Folder, name: &str) -> Vec<(String, Vec<u8>)> {
    let names = std::fs::read_dir(folder.path(name)).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let read = |file: String| (file.clone(), folder.read(&format!("{name}/{file}")));
    names.into_iter().map(read).collect()
}

/// Each SVG is read by a parser of its own and needs no style; each PDF is whole.
fn assert_are_figures(files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        if name.ends_with(".pdf") {
            assert!(bytes.starts_with(b"%PDF-") && bytes.ends_with(b"%%EOF"), "{name}");
        } else {
            let text = std::str::from_utf8(bytes).unwrap();
            roxmltree::Document::parse(text).unwrap();
            assert!(!text.contains("var(--"), "{name} needs a style");
        }
    }
}

#[test]
fn each_curve_and_picture_is_a_file_that_stands_alone() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out run --validation 40"));
    let printed = folder.succeed("report run --figures one");
    assert!(printed.contains("one/free_energy.svg") && printed.ends_with("run/report.html\n"));
    folder.succeed("report run --figures two");
    folder.succeed("report run --figures log --log-epochs");
    let one = files(&folder, "one");
    assert_eq!(one, files(&folder, "two"), "the same bytes");
    let names: Vec<_> = one.iter().map(|(name, _)| &name[..]).collect();
    for name in [
        "free_energy",
        "histogram_weights",
        "filters",
        "samples",
        "samples_drawn",
        "reconstructions",
        "singular_values",
    ] {
        for extension in ["svg", "pdf"] {
            assert!(names.contains(&&format!("{name}.{extension}")[..]), "{name}: {names:?}");
        }
    }
    assert_are_figures(&one);
    let of = |all: &[(String, Vec<u8>)], name: &str| {
        all.iter().find(|(other, _)| other == name).unwrap().1.clone()
    };
    let log = files(&folder, "log");
    assert_ne!(of(&log, "free_energy.svg"), of(&one, "free_energy.svg"));
    assert_eq!(of(&log, "histogram_weights.svg"), of(&one, "histogram_weights.svg"));
    folder.fail("report run --figures one", "exists already");
    folder.succeed("report run --figures one --overwrite");
}

/// Forty copies of two runs, given from the worst on.
#[test]
fn forty_runs_have_a_page_that_begins_with_the_best() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out a"));
    // There is nothing to learn from the grey levels, so that the model which hardly moves is the better one.
    folder.succeed(&format!("{LINE} --out b --learning-rate 0.0001"));
    let mut line = "report".to_string();
    for at in 0..40 {
        let name = format!("r{at:02}");
        std::fs::create_dir(folder.path(&name)).unwrap();
        let from = if at == 33 { "b" } else { "a" };
        for file in ["config.toml", "metrics.jsonl"] {
            std::fs::copy(
                folder.path(&format!("{from}/{file}")),
                folder.path(&format!("{name}/{file}")),
            )
            .unwrap();
        }
        line += &format!(" {name}");
    }
    folder.succeed(&format!("{line} --out all.html"));
    let page = String::from_utf8(folder.read("all.html")).unwrap();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("id=\"differences\"") < place("class=\"health\""));
    assert!(place("class=\"health\"") < place("id=\"curves\""));
    let table = &page[place("id=\"differences\"")..place("class=\"health\"")];
    assert!(table.contains("Sorted by the pseudo-likelihood"));
    let rows: Vec<_> = table.split("</svg>").skip(1).map(|row| &row[..3]).collect();
    assert_eq!((rows.len(), rows[0], rows[1]), (40, "r33", "r00"));
    // The best run is run 0 in the list and in every chart.
    assert!(page[place("<ul class=\"runs\"")..].contains("data-run=\"0\""));
    let chart = &page[place("id=\"chart-pseudo_likelihood\"")..];
    let series = &chart[chart.find("data-run=\"0\"").unwrap()..];
    assert!(series.starts_with("data-run=\"0\"><title>r33"), "{series:.100}");
    assert!(series.split("</g>").next().unwrap().contains("stroke=\"var(--series-0)\""));
}

#[test]
fn a_page_says_how_to_cite_the_run() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out run"));
    let page = page(&folder, "run");
    let cite = page.split("id=\"cite\"").nth(1).unwrap();
    let version = format!("version = {{{}}}", env!("CARGO_PKG_VERSION"));
    assert!(cite.contains("@software{harmonium,") && cite.contains(&version), "{cite:.2000}");
    assert!(
        cite.contains("harmonium train --data greys.idx") && cite.contains("SHA-256 of the param")
    );
}

/// Runs are made sick by a learning rate at which units die, by one at which nothing happens, and by
/// using only 100 images; a healthy run is the control.
#[cfg(feature = "mnist")]
#[test]
fn sick_runs_have_findings_and_a_healthy_run_has_none() {
    let folder = Folder::new();
    for (name, flags, expected) in [
        ("healthy", "--limit 10000 --epochs 40 --hidden 32", &[][..]),
        ("short", "--limit 10000 --epochs 3 --hidden 64", &["too_short"]),
        (
            "steep",
            "--limit 5000 --epochs 5 --hidden 200 --learning-rate 1 --centering false --schedule linear \
             --averaging none",
            &["nothing_learned", "dead_units", "learning_rate_too_high"],
        ),
        (
            "flat",
            "--limit 10000 --epochs 5 --hidden 64 --learning-rate 1e-4",
            &["nothing_learned", "learning_rate_too_low"],
        ),
        (
            "overfitted",
            "--limit 600 --validation 500 --epochs 200 --hidden 300 --batch-size 20",
            &["overfitting"],
        ),
    ] {
        folder.succeed(&format!("train {flags} --out {name} --quiet"));
        let page = page(&folder, name);
        assert_eq!(findings(&page), expected, "{name}");
        assert_eq!(page.contains("Nothing looks wrong."), expected.is_empty());
    }
}

/// The answer of the server: its status and its text.
fn ask(port: u16, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer))
}

#[test]
fn a_run_can_be_watched_only_from_this_computer() {
    let folder = Folder::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let line = LINE.replace("--epochs 4", "--epochs 1000000");
    let mut command = folder.command(&format!("{line} --out run --live={port}"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let request = |method: &str, path: &str, host: &str| {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        ask(port, &request)
    };
    let own = format!("127.0.0.1:{port}");
    let start = Instant::now();
    // A version begins with the length of the records.
    while request("GET", "/version", &own).is_none_or(|(_, text)| text.contains("\n0-")) {
        assert!(start.elapsed() < Duration::from_secs(60), "the server does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (status, page) = request("GET", "/", &own).unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("is being trained") && page.contains("data-version"), "{page:.3000}");
    assert!(n_points(&page, "pseudo_likelihood") > 0);
    let (_, version) = request("GET", "/version", &format!("localhost:{port}")).unwrap();
    let start = Instant::now();
    while request("GET", "/version", &own).unwrap().1 == version {
        assert!(start.elapsed() < Duration::from_secs(60), "the version does not change");
    }
    for (method, path, host, expected) in [
        ("GET", "/", "evil.example", 403),
        ("GET", "/", &format!("evil.example:{port}"), 403),
        ("POST", "/", &own, 405),
        ("PUT", "/config.toml", &own, 405),
        ("DELETE", "/", &own, 405),
        ("GET", "/config.toml", &own, 404),
        ("GET", "/../../etc/passwd", &own, 404),
        ("GET", "/%2e%2e/config.toml", &own, 404),
        ("GET", "/version?x", &own, 404),
        ("GET", "/events", "evil.example", 403),
        ("POST", "/events", &own, 405),
    ] {
        let (status, answer) = request(method, path, host).unwrap();
        assert_eq!(status, expected, "{method} {path} {host}");
        assert!(!answer.contains("<html") && !answer.contains("[train]"));
    }
    let long = format!("GET / HTTP/1.1\r\nHost: {own}\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    for (bad, expected) in [
        ("GET\r\n\r\n", 400),
        ("nonsense \u{1}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000000000000\r\n\r\n", 403),
    ] {
        assert_eq!(ask(port, bad).unwrap().0, expected, "{bad:?}");
    }
    assert!(
        ask(port, &long).is_none_or(|(status, _)| status == 400),
        "an endless request was accepted"
    );
    // Clients that send nothing or never read delay neither others nor the end of the run.
    let silent: Vec<_> = (0..5).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(request("GET", "/", &own).unwrap().0, 200);
    // Nor do clients that send a byte now and then, as many as may ask at the same time.
    let is_over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let slow: Vec<_> = (0..16)
        .map(|_| {
            let (mut stream, is_over) =
                (TcpStream::connect(("127.0.0.1", port)).unwrap(), is_over.clone());
            std::thread::spawn(move || {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed)
                    && stream.write_all(b"x").is_ok()
                {
                    std::thread::sleep(Duration::from_millis(200));
                }
            })
        })
        .collect();
    let start = Instant::now();
    assert_eq!(request("GET", "/", &own).unwrap().0, 200);
    assert!(start.elapsed() < Duration::from_secs(10), "slow clients lock others out");
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    slow.into_iter().for_each(|client| client.join().unwrap());
    // Readers of the news may vanish or take nothing; beyond a number of them the answer says what to do instead.
    let listen = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = format!("GET /events HTTP/1.1\r\nHost: {own}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        (String::from_utf8(start.to_vec()).unwrap(), stream)
    };
    let mut listeners: Vec<_> = (0..16).map(|_| listen()).collect();
    assert!(listeners.iter().all(|(status, _)| status == "HTTP/1.1 200"), "{listeners:?}");
    let (status, answer) = request("GET", "/events", &own).unwrap();
    assert!(status == 503 && answer.contains("/version now and then"), "{answer}");
    assert_eq!(request("GET", "/", &own).unwrap().0, 200);
    let (_, mut listener) = listeners.pop().unwrap();
    drop(listeners.split_off(8));
    let start = Instant::now();
    while listen().0 != "HTTP/1.1 200" {
        assert!(start.elapsed() < Duration::from_secs(30), "vanished readers keep their places");
        std::thread::sleep(Duration::from_millis(100));
    }
    // A second server cannot use the same port.
    let other = folder.run(&format!("{LINE} --out other --live={port}"));
    assert_eq!(other.0, Some(2));
    assert!(other.2.contains("but must be a port that is free"), "{}", other.2);
    // The server stops with the run.
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(silent);
    let mut news = String::new();
    listener.read_to_string(&mut news).unwrap();
    assert!(news.contains("retry: 1000\n") && news.contains("event: version\ndata: "), "{news}");
    assert!(
        news.contains("event: end\ndata: interrupted after ") && news.ends_with("\n\n"),
        "{news}"
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("note: see the run at http://127.0.0.1:{port}/")), "{stderr}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the server outlives the run");
}

/// The part of a page with this id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let rest = page.split(&format!("<section id=\"{id}\">")).nth(1);
    rest.unwrap_or_else(|| panic!("no {id}")).split("</section>").next().unwrap()
}

/// 200 rows: the letter at the second site follows from that at the first, the third is by itself.
#[test]
fn sequences_have_logos_and_tables_have_heat_maps_and_both_compare_data_with_samples() {
    let folder = Folder::new();
    let mut dice = Dice(5);
    let (mut fasta, mut table) = (String::new(), "colour,wet,<shape>\n".to_string());
    for n in 0..200 {
        let (one, other) = (dice.below(4), dice.below(3));
        let letter = |at: usize| &"ACGT"[at..=at];
        fasta += &format!(">{n}\n{}{}{}\n", letter(one), letter(3 - one), letter(other));
        let (colour, shape) = (["red", "green", "blue", "blue"][one], ["a", "b", "c"][other]);
        table += &format!("{colour},{},{shape}\n", u8::from(one < 2));
    }
    folder.write("x.fasta", fasta.as_bytes());
    folder.write("x.csv", table.as_bytes());
    let line = "--hidden 8 --epochs 4 --batch-size 20 --learning-rate 0.2 --quiet";
    let learned = line.replace("--epochs 4", "--epochs 200 --chains 500");
    folder.succeed(&format!("train --data x.fasta --alphabet dna {learned} --out letters"));
    folder.succeed_with_notes(&format!("train --data x.csv --categories auto {line} --out table"));
    folder.succeed(&format!("train --data x.fasta --alphabet dna --algorithm cd {line} --out cd"));
    folder.succeed(&format!("{LINE} --out plain"));

    let letters = page(&folder, "letters");
    let logos = section(&letters, "logos");
    assert_eq!(logos.matches("<svg").count(), 8, "a logo of each hidden unit");
    assert!(logos.contains(">A</text>") && logos.contains("Each base has its colour."), "{logos}");
    assert_eq!(
        (n_points(&letters, "frequencies"), n_points(&letters, "correlations")),
        (12, 3 * 16)
    );
    assert!(letters.contains("data-text=\"A at 1 and T at 2: 0.1"), "{letters}");
    let moments = section(&letters, "moments");
    assert!(moments.contains("200 training examples"), "{moments:.1000}");
    // What is learned is seen: after 400 updates r is 0.8 by the means, and the slope 0.003.
    let fit = moments.split("pairs of values: r = ").nth(1).unwrap().split('<').next().unwrap();
    let (r, slope) = fit.trim().split_once(", slope ").unwrap();
    let [r, slope] = [r, slope].map(|number| number.parse::<f64>().unwrap());
    assert!(r > 0.95 && (0.8..1.2).contains(&slope), "{fit}");

    // Files of a logo of each unit, of W and of the couplings, the same twice.
    folder.succeed("report letters --figures one");
    folder.succeed("report letters --figures two");
    folder.succeed("report table --figures three");
    let [one, two, three] = ["one", "two", "three"].map(|name| files(&folder, name));
    assert_eq!(one, two, "the same bytes");
    assert_are_figures(&one);
    assert_are_figures(&three);
    for (files, name) in [
        (&one, "logo_of_unit_0"),
        (&one, "couplings"),
        (&one, "weight_map"),
        (&one, "frequencies"),
        (&three, "heat_map_of_unit_7"),
        (&three, "singular_values"),
    ] {
        let names: Vec<_> = files.iter().map(|(name, _)| &name[..]).collect();
        assert!(
            ["svg", "pdf"].iter().all(|end| names.contains(&&format!("{name}.{end}")[..])),
            "{names:?}"
        );
    }
    let of = |name: &str| {
        let (_, bytes) = one.iter().find(|(other, _)| other == name).unwrap();
        String::from_utf8_lossy(bytes).into_owned()
    };
    assert!(of("logo_of_unit_0.svg").contains(">A</text>"));
    assert!(of("logo_of_unit_0.pdf").contains("/Helvetica-Bold"));
    assert!(
        section(&letters, "weight-map")
            .contains("of the 8 hidden units with the largest norm, of 8,")
    );

    let table = page(&folder, "table");
    let maps = section(&table, "heat-maps");
    assert_eq!(maps.matches("<rect").count(), 8 * (3 + 1 + 3), "a cell for each unit");
    assert!(
        maps.contains("<title>wet = 1: ") && maps.contains("<title>&lt;shape&gt; = b: "),
        "{maps}"
    );
    assert_eq!((n_points(&table, "frequencies"), n_points(&table, "correlations")), (7, 3 + 9 + 3));

    // Chains of CD start at the data.
    let cd = page(&folder, "cd");
    assert!(cd.contains("id=\"logos\"") && !cd.contains("id=\"moments\""));
    for part in ["logos", "heat-maps", "moments"] {
        assert!(!page(&folder, "plain").contains(&format!("id=\"{part}\"")), "{part}");
    }
    assert!(![letters, table].iter().any(|page| page.contains("id=\"no-images\"")));
}

/// A generator of pseudo-random numbers (with Knuth's constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn chance(&mut self, p: f64) -> bool {
        (self.below(1 << 30) as f64) < p * f64::from(1 << 30)
    }
}

/// States of the Ising model on a torus of 8 x 8 at inverse temperature β, by the cluster algorithm of
/// Wolff (1989) with 100 clusters between two states.
fn ising(n: usize, beta: f64) -> ndarray::Array2<u8> {
    const SIDE: usize = 8;
    let mut dice = Dice(1);
    let mut spins = [false; SIDE * SIDE];
    let mut states = ndarray::Array2::zeros((n, SIDE * SIDE));
    for mut state in states.outer_iter_mut() {
        for _ in 0..100 {
            let first = dice.below(SIDE * SIDE);
            let spin = spins[first];
            spins[first] = !spin;
            let mut left = vec![first];
            while let Some(at) = left.pop() {
                let (y, x) = (at / SIDE, at % SIDE);
                for (dy, dx) in [(0, 1), (1, 0), (0, SIDE - 1), (SIDE - 1, 0)] {
                    let next = (y + dy) % SIDE * SIDE + (x + dx) % SIDE;
                    if spins[next] == spin && dice.chance(1.0 - (-2.0 * beta).exp()) {
                        spins[next] = !spin;
                        left.push(next);
                    }
                }
            }
        }
        state.iter_mut().zip(spins).for_each(|(bit, spin)| *bit = u8::from(spin));
    }
    states
}

/// The remedies of a page.
fn remedies(page: &str) -> String {
    page.split("What to try: ").skip(1).map(|part| part.split("</p>").next().unwrap()).collect()
}

/// Below its transition the Ising model has two modes, and plain chains do not move between them. Once
/// the weights have grown, all chains are in one mode, and the model is worse than independent units.
#[test]
fn a_model_that_is_worse_than_independent_units_is_a_finding() {
    let folder = Folder::new();
    folder.write_npy("ising.npy", ising(2000, 0.7).view());
    let train = "train --data ising.npy --hidden 20 --evaluate-every 200 --epochs 200 --batch-size 128 \
                 --schedule linear --learning-rate 0.1 --averaging none --centering false --quiet";
    folder.succeed(&format!("{train} --out pcd"));
    let record = folder.metrics("pcd").pop().unwrap();
    let number = |key: &str| record[key].as_f64().unwrap();
    assert_eq!(record["verdict"], "exact");
    assert!((number("log_likelihood_independent") + 44.3).abs() < 0.3, "{record:?}");
    assert!(number("log_likelihood") < -60.0, "{record:?}");
    let shown = page(&folder, "pcd");
    assert!(findings(&shown).contains(&"worse_than_no_model"), "{:?}", findings(&shown));
    assert!(remedies(&shown).contains("--algorithm pt"), "{}", remedies(&shown));
    assert!(shown.contains("(independent units: -44."), "{shown:.3000}");
    assert!(folder.succeed("runs pcd").contains(" / -44."));
}

/// Only the means can be learned, and the biases learn them.
#[test]
fn data_that_hardly_vary_raise_no_alarm() {
    let folder = Folder::new();
    let zeros = ndarray::Array2::<u8>::zeros((200, 20));
    folder.write_npy("zeros.npy", zeros.view());
    folder.write_npy("few.npy", ndarray::array![[0_u8, 1, 0, 1], [0, 1, 0, 0]].view());
    for (data, epochs) in [("zeros", 200), ("few", 400)] {
        folder.succeed(&format!(
            "train --data {data}.npy --algorithm pcd --epochs {epochs} --batch-size 2 --out {data} \
             --quiet"
        ));
        let page = page(&folder, data);
        assert_eq!(findings(&page), [""; 0], "{data}");
    }
}

/// Four bits are all 0 or all 1, with equal probability.
#[test]
fn a_model_that_has_learned_nothing_is_a_finding_even_after_a_short_run() {
    let folder = Folder::new();
    let mut dice = Dice(3);
    let coins: Vec<u8> = (0..1000).map(|_| u8::from(dice.chance(0.5))).collect();
    let states = ndarray::Array2::from_shape_fn((1000, 4), |(n, _)| coins[n]);
    folder.write_npy("ghz.npy", states.view());
    folder.succeed("train --data ghz.npy --epochs 20 --learning-rate 0.001 --out run --quiet");
    let page = page(&folder, "run");
    assert!(findings(&page).contains(&"nothing_learned"), "{:?}", findings(&page));
}

#[test]
fn a_long_run_on_few_examples_gets_no_contradictory_advice() {
    let folder = Folder::new();
    let mut dice = Dice(5);
    let bits = ndarray::Array2::from_shape_fn((50, 20), |_| u8::from(dice.chance(0.5)));
    folder.write_npy("bits.npy", bits.view());
    // With a constant rate the weights grow until the end.
    let train = "train --data bits.npy --hidden 128 --epochs 20000 --batch-size 50 --algorithm pcd";
    folder.succeed(&format!("{train} --schedule constant --out run --quiet"));
    let page = page(&folder, "run");
    let remedies = remedies(&page);
    let says = |part: &str| remedies.contains(part);
    assert!(says("times smaller") && !says("more epochs") && !says("larger"), "{remedies}");
}
