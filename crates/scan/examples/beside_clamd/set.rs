//! What is measured where no files are given: one content in every format that programs here write, documents by
//! LibreOffice, mail with each of them; and a clamd of our own, with one signature.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::packed;

/// Bytes of the file that is packed; a third of it cannot be compressed.
const CONTENT: usize = 1 << 20;
/// Lines of the text, the table and the slides that become documents.
const LINES: usize = 3_000;
/// How long clamd may take to start.
const START: Duration = Duration::from_secs(60);
/// Documents: what LibreOffice makes of each file.
const DOCUMENTS: [(&str, &[&str]); 3] = [
    ("letter.txt", &["odt", "docx", "doc", "rtf", "pdf"]),
    ("table.csv", &["ods", "xlsx", "xls"]),
    ("slides.fodp", &["odp", "pptx", "ppt"]),
];

/// The same numbers at each run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Words that repeat as those of a language do.
fn line(state: &mut u64) -> String {
    const WORDS: [&str; 12] =
        ["invoice", "of", "the", "month", "for", "our", "meeting", "and", "delivery", "in", "November", "please"];
    (0..12).fold(String::new(), |mut text, _| {
        let number = next(state);
        let _ = write!(text, "{}{} ", WORDS[(number % 12) as usize], number >> 56);
        text
    })
}

fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut out = Vec::with_capacity(CONTENT);
    while out.len() < CONTENT {
        out.extend(line(&mut state).into_bytes());
        out.extend((0..6).flat_map(|_| next(&mut state).to_le_bytes()));
    }
    out
}

/// What LibreOffice is given.
fn sources(folder: &Path) {
    let mut state = 7;
    let lines: Vec<String> = (0..LINES).map(|_| line(&mut state)).collect();
    fs::write(folder.join("letter.txt"), lines.join("\n")).expect("a folder");
    fs::write(folder.join("table.csv"), lines.join("\n").replace(' ', ",")).expect("a folder");
    let page = |text: &str| {
        format!(
            "<draw:page draw:name=\"p\"><draw:frame svg:width=\"9cm\" svg:height=\"2cm\" svg:x=\"1cm\" svg:y=\"1cm\">\
             <draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame></draw:page>"
        )
    };
    let pages: String = lines.iter().step_by(30).map(|text| page(text)).collect();
    let name = "urn:oasis:names:tc:opendocument:xmlns:";
    let slides = format!(
        "<?xml version=\"1.0\"?><office:document xmlns:office=\"{name}office:1.0\" xmlns:draw=\"{name}drawing:1.0\" \
         xmlns:text=\"{name}text:1.0\" xmlns:svg=\"{name}svg-compatible:1.0\" office:version=\"1.2\" \
         office:mimetype=\"application/vnd.oasis.opendocument.presentation\"><office:body><office:presentation>{pages}\
         </office:presentation></office:body></office:document>"
    );
    fs::write(folder.join("slides.fodp"), slides).expect("a folder");
    fs::write(folder.join("page.html"), format!("<html><body><p>{}</p></body></html>", lines.join("</p>\n<p>")))
        .expect("a folder");
}

/// A message with a file attached.
fn mail(folder: &Path, name: &str) {
    let Ok(content) = fs::read(folder.join(name)) else { return };
    let raw = testkit::sample::with_attachment("The document", name, "application/octet-stream", &content);
    fs::write(folder.join(format!("{name}.eml")), raw).expect("a folder");
}

/// Makes the files; what cannot be made is missing in the table.
pub(crate) fn make(folder: &Path) {
    let place = folder.join("work");
    fs::create_dir(&place).expect("a folder");
    packed::begin(&place, &content());
    for (name, command) in packed::FORMATS {
        if packed::make(&place, command, "", name) {
            let _ = fs::rename(place.join(name), folder.join(name));
        }
    }
    sources(&place);
    let profile = format!("-env:UserInstallation=file://{}/profile", place.display());
    for (source, kinds) in DOCUMENTS {
        for kind in kinds {
            let mut office = Command::new("soffice");
            office.arg(&profile).args(["--headless", "--convert-to", kind, "--outdir"]).arg(folder);
            let _ = office.arg(place.join(source)).stdout(Stdio::null()).stderr(Stdio::null()).status();
            mail(folder, &source.replace(source.rsplit('.').next().unwrap_or_default(), kind));
        }
    }
    let _ = fs::rename(place.join("page.html"), folder.join("page.html"));
    let _ = fs::remove_dir_all(place);
}

/// A clamd that ends with this.
pub(crate) struct Clamd {
    child: Child,
    /// Its socket.
    pub(crate) socket: String,
}

impl Clamd {
    /// Starts it; `None` where it is not installed, or does not start. It must not remember files that were clean: each
    /// is given to it several times.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let program = testkit::peers::clamd()?;
        let database = folder.join("db");
        fs::create_dir(&database).ok()?;
        fs::write(database.join("one.hsb"), format!("{:064}:68:Nothing\n", 1)).ok()?;
        let socket = folder.join("clamd.ctl").display().to_string();
        let settings = format!(
            "DatabaseDirectory {}\nLocalSocket {socket}\nTemporaryDirectory {}\nForeground yes\n\
             DisableCache yes\n",
            database.display(),
            folder.display()
        );
        fs::write(folder.join("clamd.conf"), settings).ok()?;
        let mut command = Command::new(program);
        command.arg("--config-file").arg(folder.join("clamd.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self { child: command.spawn().ok()?, socket };
        let begun = Instant::now();
        while !Path::new(&daemon.socket).exists() {
            if begun.elapsed() > START {
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(daemon)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
