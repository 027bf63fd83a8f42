//! The page for everything that went wrong: what happened, what to do, and an id to quote.

use askama::Template;

/// A generic error page.
#[derive(Clone, Debug, Template)]
#[template(path = "problem.html")]
pub struct Problem {
    /// HTTP status of the answer.
    pub status: u16,
    /// What happened, in a few words; becomes the heading.
    pub title: String,
    /// What happened, one or two sentences.
    pub what: String,
    /// What to do, one or two sentences.
    pub how: String,
    /// Id under which the log knows this request.
    pub request_id: String,
    /// Address of the launcher, if it is likely to work.
    pub home_url: Option<String>,
    /// The same address again, if trying again may help.
    pub retry_url: Option<String>,
}

impl Problem {
    /// Realistic examples for the gallery, one for each status that has a page.
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            (
                "400",
                sample(
                    400,
                    "That request was not complete",
                    "The address is missing a part that Doorward needs: client_id.",
                    "Go back to the tool you came from and start again.",
                    false,
                ),
            ),
            (
                "404",
                sample(
                    404,
                    "There is no page here",
                    "Nothing answers to this address. The link may be old, or mistyped.",
                    "Check the address, or start from your tools.",
                    false,
                ),
            ),
            (
                "410",
                sample(
                    410,
                    "This sign-in has expired",
                    "The sign-in page was open for more than 10 minutes, or it was already used.",
                    "Open the tool again. A fresh sign-in page will follow.",
                    true,
                ),
            ),
            (
                "421",
                sample(
                    421,
                    "Doorward does not know this host",
                    "Nobody has told Doorward about the name grafana.northwind.example.",
                    "If you run this platform, add the host to an app. Otherwise check the address.",
                    false,
                ),
            ),
            (
                "429",
                sample(
                    429,
                    "Too many attempts",
                    "There were 10 attempts in the last minute from this network.",
                    "Wait one minute and try again.",
                    true,
                ),
            ),
            (
                "500",
                sample(
                    500,
                    "Something broke on our side",
                    "Doorward could not finish this request. It was written to the log.",
                    "Try again. If it happens again, tell your platform team the request id below.",
                    true,
                ),
            ),
            (
                "502",
                sample(
                    502,
                    "Dagster is not answering",
                    "You are signed in and allowed in, but the tool behind the door refused the connection.",
                    "Wait a moment and try again. If it goes on, tell whoever runs Dagster.",
                    true,
                ),
            ),
            (
                "503",
                sample(
                    503,
                    "Doorward cannot check who may enter just now",
                    "Its database is out of reach, so nobody is let in until it is back.",
                    "Try again in a minute. Nothing you did is lost.",
                    true,
                ),
            ),
            (
                "504",
                sample(
                    504,
                    "Dagster took too long",
                    "The tool behind the door did not answer within 60 seconds.",
                    "Try again, or ask for less at once.",
                    true,
                ),
            ),
            (
                "hostile",
                sample(
                    400,
                    "<script>alert(1)</script>",
                    "\"><img src=x onerror=alert(1)>",
                    "منصة البيانات <script>",
                    true,
                ),
            ),
        ]
    }
}

fn sample(status: u16, title: &str, what: &str, how: &str, can_retry: bool) -> Problem {
    Problem {
        status,
        title: title.to_owned(),
        what: what.to_owned(),
        how: how.to_owned(),
        request_id: "req_7yq2m4c1".to_owned(),
        home_url: (status != 503).then(|| "/".to_owned()),
        retry_url: can_retry.then(|| "/runs?view=\"latest\"&page=2".to_owned()),
    }
}
