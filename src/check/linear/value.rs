//! Values as numbers: equal values have equal numbers, so that a state is compared and remembered as one word.
//!
//! A list is its parent and its last item, a text that is appended to is a list of its bytes. So a history whose reads
//! show ever longer lists costs what its file costs, and not the square of it.

/// A value of a history: equal values of one [`Values`] are the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub(super) u32);

impl Value {
    /// `null`.
    pub const NULL: Value = Value(0);
    /// The list of nothing.
    pub const EMPTY_LIST: Value = Value(1);
    /// The text of no bytes, as a list of bytes.
    pub(super) const EMPTY_TEXT: Value = Value(2);
    /// Whatever there was before a part of a history began: the first who looks decides.
    pub(super) const ANYTHING: Value = Value(3);
}

/// An open-addressing table of numbers; what they stand for is kept, hashed and compared by its owner.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// One more than the number; 0 is free.
    slots: Vec<u32>,
    used: usize,
}

impl Index {
    /// The number with this hash for which `same` holds.
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        while let Some(number) = self.slots[at].checked_sub(1) {
            if same(number) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Puts in a number that is not there; `hash` hashes those that are.
    pub(super) fn insert(&mut self, number: u32, hash: impl Fn(u32) -> u64) {
        // At most half full, so that a run of taken places stays short.
        if self.slots.len() < 2 * (self.used + 1) {
            let old = std::mem::replace(&mut self.slots, vec![0; (4 * (self.used + 1)).next_power_of_two().max(16)]);
            for slot in old.into_iter().filter(|slot| *slot != 0) {
                self.place(slot - 1, hash(slot - 1));
            }
        }
        self.place(number, hash(number));
        self.used += 1;
    }

    fn place(&mut self, number: u32, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = number + 1;
    }
}

/// Folds words into a hash that is the same everywhere (the multiply and xor-shift of SplitMix64).
pub(super) fn hash(words: impl IntoIterator<Item = u64>) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for word in words {
        state = (state ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state ^= state >> 29;
        state = state.wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 32;
    }
    state
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The list without its last item; of an atom its own number.
    parent: u32,
    /// The last item; of an atom its place among the texts.
    item: u32,
    /// An ancestor some way up (Myers 1983), so that any ancestor is found in a logarithm of steps.
    jump: u32,
    /// How many items.
    depth: u32,
    /// The empty list, the empty text, or the atom that it all began with.
    root: u32,
}

/// Every value of a history.
#[derive(Clone, Debug)]
pub struct Values {
    nodes: Vec<Node>,
    texts: Vec<Box<str>>,
    atoms: Index,
    lists: Index,
}

impl Default for Values {
    fn default() -> Values {
        let mut values =
            Values { nodes: Vec::new(), texts: Vec::new(), atoms: Index::default(), lists: Index::default() };
        for text in ["null", "[]", "\"\"", "(anything)"] {
            values.add_atom(text);
        }
        // The two empty ones and the unknown are no atoms that JSON could name.
        values.atoms = Index::default();
        values.index_atom(Value::NULL.0);
        values
    }
}

fn hash_text(text: &str) -> u64 {
    hash(text.bytes().map(u64::from))
}

impl Values {
    /// The value of a JSON text that is no list: `null`, `3`, `"a"`, `{"a":1}`, as the writer always writes it.
    pub fn atom(&mut self, json: &str) -> Value {
        let same = |number: u32| &*self.texts[self.nodes[number as usize].item as usize] == json;
        if let Some(number) = self.atoms.find(hash_text(json), same) {
            return Value(number);
        }
        let number = self.add_atom(json);
        self.index_atom(number);
        Value(number)
    }

    /// The list of these.
    pub fn list(&mut self, items: impl IntoIterator<Item = Value>) -> Value {
        items.into_iter().fold(Value::EMPTY_LIST, |list, item| self.push(list, item))
    }

    fn add_atom(&mut self, text: &str) -> u32 {
        let (number, place) = (self.nodes.len() as u32, self.texts.len() as u32);
        self.texts.push(text.into());
        self.nodes.push(Node { parent: number, item: place, jump: number, depth: 0, root: number });
        number
    }

    fn index_atom(&mut self, number: u32) {
        let (nodes, texts) = (&self.nodes, &self.texts);
        self.atoms.insert(number, |number| hash_text(&texts[nodes[number as usize].item as usize]));
    }

    /// A list with one more item at its end.
    pub fn push(&mut self, list: Value, item: Value) -> Value {
        let nodes = &self.nodes;
        let key = hash([u64::from(list.0), u64::from(item.0)]);
        let same = |number: u32| {
            let node = nodes[number as usize];
            (node.parent, node.item) == (list.0, item.0)
        };
        if let Some(number) = self.lists.find(key, same) {
            return Value(number);
        }
        let parent = self.nodes[list.0 as usize];
        let over = self.nodes[parent.jump as usize];
        // Two jumps of one length become one of twice that and one.
        let even = parent.depth - over.depth == over.depth - self.nodes[over.jump as usize].depth && parent.depth > 0;
        let jump = if even { over.jump } else { list.0 };
        let number = self.nodes.len() as u32;
        self.nodes.push(Node { parent: list.0, item: item.0, jump, depth: parent.depth + 1, root: parent.root });
        let nodes = &self.nodes;
        self.lists.insert(number, |number| {
            let node = nodes[number as usize];
            hash([u64::from(node.parent), u64::from(node.item)])
        });
        Value(number)
    }

    /// How many items a list has; 0 of what is no list.
    pub(super) fn len(&self, list: Value) -> u32 {
        self.nodes[list.0 as usize].depth
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self, value: Value) -> bool {
        self.nodes[value.0 as usize].root == Value::EMPTY_LIST.0
    }

    /// Whether it is a text as a list of bytes.
    pub(super) fn is_bytes(&self, value: Value) -> bool {
        self.nodes[value.0 as usize].root == Value::EMPTY_TEXT.0
    }

    /// The last item of a list that has some, and the list without it.
    pub(super) fn last(&self, list: Value) -> (Value, Value) {
        let node = self.nodes[list.0 as usize];
        (Value(node.item), Value(node.parent))
    }

    /// The first `len` items of a list.
    pub(super) fn prefix(&self, list: Value, len: u32) -> Value {
        let mut at = list.0;
        while self.nodes[at as usize].depth > len {
            let node = self.nodes[at as usize];
            at = if self.nodes[node.jump as usize].depth >= len { node.jump } else { node.parent };
        }
        Value(at)
    }

    /// Whether a list begins with another.
    pub(super) fn begins(&self, list: Value, with: Value) -> bool {
        self.len(with) <= self.len(list) && self.prefix(list, self.len(with)) == with
    }

    /// The items of a list, first to last.
    pub(super) fn items(&self, list: Value) -> Vec<Value> {
        let mut items = Vec::with_capacity(self.len(list) as usize);
        let mut at = list;
        while self.len(at) > 0 {
            let (item, rest) = self.last(at);
            items.push(item);
            at = rest;
        }
        items.reverse();
        items
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The inside of a text, if it is one: without quotes, escapes resolved to what they stand for.
    pub(super) fn inside(&self, value: Value) -> Option<String> {
        let node = self.nodes[value.0 as usize];
        if node.depth > 0 || node.root < 4 {
            return None;
        }
        let inner = self.texts[node.item as usize].strip_prefix('"')?.strip_suffix('"')?;
        let (mut out, mut chars) = (String::with_capacity(inner.len()), inner.chars());
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'b' => out.push('\u{8}'),
                'f' => out.push('\u{c}'),
                'u' => {
                    let code: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                plain => out.push(plain),
            }
        }
        Some(out)
    }

    /// A text as a list of bytes; what is no text stays what it is.
    pub(super) fn bytes(&mut self, value: Value) -> Value {
        let Some(text) = self.inside(value) else { return value };
        self.append_text(Value::EMPTY_TEXT, &text)
    }

    /// A text as a list of bytes, with more at its end.
    pub(super) fn append_text(&mut self, bytes: Value, text: &str) -> Value {
        text.bytes().fold(bytes, |list, byte| self.push(list, Value(u32::from(byte))))
    }

    /// A value as JSON.
    pub fn text(&self, value: Value) -> String {
        if self.is_list(value) {
            let items: Vec<String> = self.items(value).into_iter().map(|item| self.text(item)).collect();
            return format!("[{}]", items.join(","));
        }
        if self.is_bytes(value) {
            let bytes: Vec<u8> = self.items(value).into_iter().map(|item| item.0 as u8).collect();
            let mut out = String::from("\"");
            for c in String::from_utf8_lossy(&bytes).chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out.push('"');
            return out;
        }
        self.texts[self.nodes[value.0 as usize].item as usize].to_string()
    }
}
