//! DERIVED FROM RECORDS: metrics in windows and over the whole run, a bounded log, and words for a record.

pub mod clocks;
pub mod course;
pub mod export;
pub mod load;
mod log;
mod metrics;
pub mod space_time;
pub mod spans;
mod words;

pub use log::{Log, MAX_LOG};
pub use metrics::{LEVELS, MAX_SPREAD, MAX_WINDOWS, Metrics, Point, Stat, WINDOW};
pub use words::{KIND_WORDS, is_routine, is_telling, kind_word, says_again, sentence};
