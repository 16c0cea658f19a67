//! The packed form: the scenario's name in plain sight, then everything as JSON, deflated, in base64url.

use crate::scenario::{Tree, schema};

use super::deflate::{Broken, deflate, inflate};
use super::{Fault, LinkError, MAX_UNPACKED, Parts, Said, VERSION, letters};

/// The link up to its checksum.
pub(super) fn write(name: &str, parts: &Parts) -> String {
    let json = schema::json(parts);
    // A document that is being edited may have any name; such a link is refused with that problem where it is opened.
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    format!("{VERSION}z~{name}~{}", letters::base64(&deflate(json.as_bytes())))
}

/// `NAME~DATA`.
pub(super) fn read(content: &str) -> Result<Said, LinkError> {
    let broken = |what: &str| {
        let told = format!("What is packed in this link cannot be unpacked: {what}.");
        LinkError::new(Fault::Packing, format!("{told} Copy it again from where it was made."))
    };
    let (name, data) = content.split_once('~').ok_or_else(|| broken("there is nothing in it"))?;
    let bytes = letters::read_base64(data).ok_or_else(|| broken("it is not base64url"))?;
    let json = inflate(&bytes, MAX_UNPACKED).map_err(|why| match why {
        Broken::Long => {
            let told = format!("What is packed in this link is larger than {MAX_UNPACKED} bytes, which is the limit.");
            LinkError::new(Fault::Limit, told)
        }
        Broken::Damaged => broken("it was not deflated"),
    })?;
    let json = std::str::from_utf8(&json).map_err(|_| broken("it is not text"))?;
    // Said before anything is read, since what is deep is most often no link.
    if !json.trim_ascii_start().starts_with('{') {
        return Err(broken("it is not a link's content"));
    }
    let parts = Tree::from_json(json).map_err(|problem| vec![problem]).and_then(|tree| schema::read(&tree));
    let parts = parts.map_err(|problems| {
        LinkError::new(Fault::Document, format!("What is packed in this link does not fit: {}.", problems[0]))
    })?;
    Ok((name.to_owned(), parts))
}
