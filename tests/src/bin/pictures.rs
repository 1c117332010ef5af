//! Pictures of every screen of the page at three widths, light and dark, to be looked at:
//! `cargo run -p essaim-tests --bin pictures -- DIRECTORY [NAME…]`, where each `NAME` begins the names of the screens wanted.

use std::path::PathBuf;

use essaim_tests::browser::{Browser, WIDTHS};
use essaim_tests::screens::{Screen, Screens};

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let Some(dir) = args.next().map(PathBuf::from) else {
        eprintln!("usage: pictures DIRECTORY [NAME…]");
        std::process::exit(2);
    };
    let names: Vec<String> = args.collect();
    let wanted = |screen: &&Screen| names.is_empty() || names.iter().any(|name| screen.name.starts_with(name.as_str()));
    std::fs::create_dir_all(&dir).expect("the directory can be made");
    let Some(browser) = Browser::open(true).await else { std::process::exit(1) };
    let screens = Screens::new("").await;
    for screen in screens.table().iter().filter(wanted) {
        screens.open(&browser, screen).await;
        for (dark, suffix) in [(false, ""), (true, "-sombre")] {
            browser.dark(dark).await;
            for width in WIDTHS {
                browser.width(width).await;
                let file = dir.join(format!("{}-{width}{suffix}.png", screen.name));
                std::fs::write(&file, browser.picture().await).expect("the picture can be written");
                println!("{}", file.display());
            }
        }
    }
}
