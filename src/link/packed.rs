//! The packed form: the scenario's name in plain sight, then everything as JSON, deflated, in base64url.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

use super::{Fault, LinkError, MAX_UNPACKED, Parts, VERSION, letters};

/// The link up to its checksum.
pub(super) fn write(parts: &Parts) -> String {
    // Everything in it is text, a finite number or a list of these, for which JSON always has a word.
    let json = serde_json::to_vec(parts).unwrap_or_default();
    // A document that is being edited may have any name; such a link is refused with that problem where it is opened.
    let name: String = parts.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    format!("{VERSION}z~{name}~{}", letters::base64(&compress_to_vec(&json, 9)))
}

/// `NAME~DATA`.
pub(super) fn read(content: &str) -> Result<Parts, LinkError> {
    let broken = |what: &str| {
        let told = format!("What is packed in this link cannot be unpacked: {what}.");
        LinkError::new(Fault::Packing, format!("{told} Copy it again from where it was made."))
    };
    let (name, data) = content.split_once('~').ok_or_else(|| broken("there is nothing in it"))?;
    let bytes = letters::read_base64(data).ok_or_else(|| broken("it is not base64url"))?;
    let json = decompress_to_vec_with_limit(&bytes, MAX_UNPACKED).map_err(|why| match why.status {
        TINFLStatus::HasMoreOutput => {
            let told = format!("What is packed in this link is larger than {MAX_UNPACKED} bytes, which is the limit.");
            LinkError::new(Fault::Limit, told)
        }
        _ => broken("it was not deflated"),
    })?;
    let json = std::str::from_utf8(&json).map_err(|_| broken("it is not text"))?;
    // Serde would take a list for a structure, field after field; no link was ever written so.
    if !json.trim_start().starts_with('{') {
        return Err(broken("it is not a link's content"));
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let parts: Result<Parts, _> = serde_path_to_error::deserialize(&mut reader);
    let parts = parts.map_err(|why| {
        let problem = crate::scenario::Problem::from_serde(&why.path().to_string(), &why.inner().to_string());
        LinkError::new(Fault::Document, format!("What is packed in this link does not fit: {problem}."))
    })?;
    reader.end().map_err(|_| broken("there is something after its end"))?;
    Ok(Parts { name: name.to_owned(), ..parts })
}
