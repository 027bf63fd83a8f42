//! Tens of thousands of genuine answers with something done to them, by chance: whoever is proved by one is ada.

use crate::forge::{Claims, SAML};
use crate::hostile::rows;
use crate::judged::{ENDPOINT, Judge, REQUEST};

/// How many are tried; `SAML_MUTANTS` says another number.
const MUTANTS: usize = 30_000;

/// Chance that is the same every time (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count.max(1)).expect("a number")).expect("a number")
    }

    fn of<'a>(&mut self, all: &'a [String]) -> &'a str {
        &all[self.below(all.len())]
    }
}

/// Where the tags and the texts between them begin.
fn seams(text: &str) -> Vec<usize> {
    text.char_indices()
        .filter(|(_, letter)| matches!(letter, '<' | '>'))
        .map(|(at, letter)| if letter == '>' { at + 1 } else { at })
        .collect()
}

/// The elements of a text, whole: where each begins and ends.
fn elements(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for (at, _) in text.match_indices('<') {
        let end = text[at..].find('>').map_or(text.len(), |end| at + end + 1);
        match (text[at..].starts_with("</"), text[..end].ends_with("/>")) {
            (true, _) => {
                if let Some(begin) = open.pop() {
                    found.push((begin, end));
                }
            }
            (false, true) => found.push((at, end)),
            (false, false) => open.push(at),
        }
    }
    found
}

fn mutate(text: &str, parts: &[String], chance: &mut Chance) -> String {
    let seams = seams(text);
    let elements = elements(text);
    let mut out = text.to_owned();
    match chance.below(10) {
        // Something foreign between two tags.
        0 | 1 => out.insert_str(seams[chance.below(seams.len())], chance.of(parts)),
        // An element once more, somewhere else.
        2 | 3 => {
            let (begin, end) = elements[chance.below(elements.len())];
            out.insert_str(seams[chance.below(seams.len())], &text[begin..end]);
        }
        // An element away, or in the place of another.
        4 => {
            let (begin, end) = elements[chance.below(elements.len())];
            out.replace_range(begin..end, "");
        }
        5 => {
            let (begin, end) = elements[chance.below(elements.len())];
            let (from, to) = elements[chance.below(elements.len())];
            out.replace_range(begin..end, &text[from..to]);
        }
        // An element around another.
        6 => {
            let (begin, end) = elements[chance.below(elements.len())];
            let whole = chance.of(parts);
            let at = whole.rfind("</").unwrap_or(whole.len());
            out.replace_range(begin..end, &format!("{}{}{}", &whole[..at], &text[begin..end], &whole[at..]));
        }
        // Names swapped.
        7 => {
            let swaps = [
                ("saml:", "evil:"),
                ("samlp:", "saml:"),
                (" ID=", " Id="),
                (SAML, "urn:evil"),
                ("ada", "boss"),
                ("xmlns:saml", "xmlns:evil"),
            ];
            let (from, to) = swaps[chance.below(swaps.len())];
            let places: Vec<usize> = text.match_indices(from).map(|(at, _)| at).collect();
            if !places.is_empty() {
                let at = places[chance.below(places.len())];
                out.replace_range(at..at + from.len(), to);
            }
        }
        // An attribute more.
        8 => {
            let places: Vec<usize> =
                text.match_indices('>').map(|(at, _)| at).filter(|at| !text[..*at].ends_with('/')).collect();
            let attributes = [
                " ID=\"_x\"",
                " xmlns:saml=\"urn:evil\"",
                " xmlns=\"urn:evil\"",
                " xml:id=\"_x\"",
                " a=\"\"",
                " InResponseTo=\"x\"",
                " xmlns:ds=\"urn:evil\"",
            ];
            out.insert_str(places[chance.below(places.len())], attributes[chance.below(attributes.len())]);
        }
        // A letter.
        _ => {
            let at = chance.below(text.len() - 1);
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                let letters = ["<", ">", "\"", "&", " ", "\n", "x", "/", "", "&#97;"];
                out.replace_range(at..=at, letters[chance.below(letters.len())]);
            }
        }
    }
    out
}

#[test]
fn gauntlet_b6_of_tens_of_thousands_of_mutants_none_proves_anybody_else() {
    let judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let evil = Claims { subject: "boss".to_owned(), id: "_evil".to_owned(), ..claims.clone() };
    let twin = Claims { subject: "boss".to_owned(), ..claims.clone() };
    let plain = claims.assertion("");
    let mut seeds = vec![
        claims.genuine(&judge.signer),
        claims.response_signed(&judge.signer, &plain),
        claims.response_signed(&judge.signer, &claims.signed(&judge.signer)),
    ];
    seeds.extend(
        rows(ENDPOINT, REQUEST, &judge.signer).into_iter().map(|row| row.message).filter(|text| text.contains("</")),
    );
    let parts: Vec<String> = [
        evil.assertion(""),
        twin.assertion(""),
        evil.genuine(&judge.signer).replace("</samlp:Response>", ""),
        claims.signed(&judge.signer),
        "<!-- -->".to_owned(),
        "<![CDATA[x]]>".to_owned(),
        "<?x y?>".to_owned(),
        "<saml:NameID>boss</saml:NameID>".to_owned(),
        "<saml:Advice></saml:Advice>".to_owned(),
        "<samlp:Extensions></samlp:Extensions>".to_owned(),
        "<ds:Object></ds:Object>".to_owned(),
        "<a xmlns=\"urn:a\"></a>".to_owned(),
        "boss".to_owned(),
        " ".to_owned(),
    ]
    .to_vec();
    // What was signed for her alone: a mutant that swaps the whole for the evil one's own signature would be genuine.
    let parts: Vec<String> =
        parts.into_iter().filter(|part| !(part.contains("boss") && part.contains("SignatureValue"))).collect();
    let wanted = std::env::var("SAML_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTANTS);
    let mut chance = Chance(0x5a31);
    let (mut taken, began) = (0, std::time::Instant::now());
    for number in 0..wanted {
        let seed = if chance.below(2) == 0 { chance.below(3) } else { chance.below(seeds.len()) };
        let mut message = seeds[seed].clone();
        for _ in 0..=chance.below(3) {
            if message.contains("</") && message.len() < 60_000 {
                message = mutate(&message, &parts, &mut chance);
            }
        }
        if let Ok(who) = judge.who(message.as_bytes()) {
            assert_eq!(who, "ada", "mutant {number}: {message}");
            taken += 1;
        }
    }
    println!("{wanted} mutants, {taken} of them still genuine, in {:.1} s", began.elapsed().as_secs_f64());
    assert!(taken > 0, "no mutant was harmless: the test tries nothing");
}
