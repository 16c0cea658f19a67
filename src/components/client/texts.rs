//! What people write to one another.

/// What people say. No `@`, which stands for a node's name in texts.
pub(super) const TEXTS: &[&str] = &[
    "anyone here?",
    "see you at 8",
    "on my way",
    "good morning!",
    "lunch?",
    "the bus is late",
    "happy birthday!",
    "did you see the moon?",
    "ha, well said",
    "thank you!",
    "coffee in ten?",
    "I'll bring the cake",
    "who has the keys?",
    "sounds good",
    "back in a minute",
    "what a goal!",
    "good night",
    "can you call me?",
    "it's snowing here",
    "found my umbrella",
    "the train was on time",
    "yes, please",
    "no worries",
    "look at this cat",
    "how did it go?",
    "we won!",
    "save me a seat",
    "dinner is ready",
    "just landed",
    "miss you all",
    "five minutes, promise",
    "which platform?",
    "congratulations!",
    "the soup is great",
    "turn left at the mill",
    "it works now",
    "let's ask Grandma",
    "I was asleep, sorry",
    "new photos are up",
    "take care!",
    "left the door open",
    "who is in for a walk?",
    "bring a jacket",
    "that made my day",
    "same time tomorrow?",
    "hello from the lake",
    "the kids say hi",
    "best seats in town",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_say_is_short_and_names_no_node() {
        for text in TEXTS {
            assert!(text.chars().count() <= 24 && !text.contains('@'), "{text}");
        }
    }
}
