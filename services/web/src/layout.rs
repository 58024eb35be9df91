//! What every page has around its content.

/// One entry of the menu.
pub(crate) struct MenuItem {
    /// Where it leads.
    pub(crate) path: &'static str,
    /// What it says.
    pub(crate) label: &'static str,
}

/// The menu, in the order of a reader's questions: what is it, who is in it, what is promised, how
/// does it go.
pub(crate) const MENU: [MenuItem; 7] = [
    MenuItem {
        path: "/overenskommelsen",
        label: "Överenskommelsen",
    },
    MenuItem {
        path: "/organisationer",
        label: "Organisationer",
    },
    MenuItem {
        path: "/ataganden",
        label: "Åtaganden",
    },
    MenuItem {
        path: "/handlingsplan",
        label: "Handlingsplan",
    },
    MenuItem {
        path: "/uppfoljning",
        label: "Uppföljning",
    },
    MenuItem {
        path: "/stadsdelar",
        label: "Stadsdelar",
    },
    MenuItem {
        path: "/rapporter",
        label: "Rapporter",
    },
];

/// A page's frame: title, place in the menu, breadcrumbs, notice.
pub(crate) struct Page {
    /// Title and first heading.
    pub(crate) title: String,
    /// Path of the menu item it belongs to; empty when none.
    pub(crate) section: &'static str,
    /// Pages above it, with their labels, outermost first; the start page is always there.
    pub(crate) above: Vec<(String, String)>,
    /// Something that could not be shown in full.
    pub(crate) notice: Option<String>,
    /// Seconds until the page asks again by itself, only when the reader has chosen so.
    pub(crate) refresh: Option<u32>,
    /// `sv`, or `en` for the English summary.
    pub(crate) lang: &'static str,
}

impl Page {
    /// A page of a section.
    pub(crate) fn new(title: impl Into<String>, section: &'static str) -> Self {
        Self {
            title: title.into(),
            section,
            above: Vec::new(),
            notice: None,
            refresh: None,
            lang: "sv",
        }
    }

    /// Puts it below another page.
    pub(crate) fn below(mut self, label: &str, path: &str) -> Self {
        self.above.push((label.to_owned(), path.to_owned()));
        self
    }

    /// Says that something could not be shown in full.
    pub(crate) fn notice(mut self, notice: Option<&str>) -> Self {
        self.notice = notice.map(str::to_owned);
        self
    }

    /// The menu with the value of `aria-current` for each item; empty for those the page is not in.
    pub(crate) fn menu(&self) -> Vec<(&'static MenuItem, &'static str)> {
        MENU.iter()
            .map(|item| {
                let current = match (item.path == self.section, self.above.is_empty()) {
                    (false, _) => "",
                    (true, true) => "page",
                    (true, false) => "true",
                };
                (item, current)
            })
            .collect()
    }
}
