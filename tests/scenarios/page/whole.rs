//! How records relate: the picture, and the list that says the same.

use super::{related, visited};

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_and_the_list_say_the_same_without_javascript() {
    let Some((_ally, browser, origin)) = related(false).await else { return };
    browser.go(&format!("{origin}/ensemble")).await;
    let text = browser.text(".told-whole").await;
    for said in [
        "se passe à Valombre",
        "fait partie de Cohorte des vallées",
        "s’est inspirée de Une navette",
        "contredit Commencer petit",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let ties = browser.count(".told-whole ul ul li").await;
    assert_eq!((browser.count(".picture path.tie").await, browser.count(".picture svg a").await), (ties, 6));
    assert_eq!(ties, 7);
    browser.click(".picture svg a.of-finding").await;
    browser.see("Entre les expériences").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_is_walked_by_keyboard() {
    let Some((_ally, browser, origin)) = related(true).await else { return };
    browser.go(&format!("{origin}/ensemble")).await;
    let focused = "return document.activeElement.matches('.picture svg a')";
    for _ in 0..30 {
        if browser.run(focused).await == true {
            break;
        }
        browser.keys("\u{e004}").await;
    }
    assert_eq!(browser.run(focused).await, true, "a box is reached by Tab");
    browser.keys("\u{e007}").await;
    browser.appears("article.sheet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_heritage_is_drawn_in_bounds() {
    let Some((ally, browser)) = visited(true).await else { return };
    let origin = ally.page().split("/entrer").next().unwrap().to_owned();
    browser.go(&format!("{origin}/ensemble")).await;
    let boxes = browser.count(".picture svg a").await;
    assert!((20..=44).contains(&boxes), "{boxes} boxes");
    assert!(browser.source().await.len() < 150_000);
}
