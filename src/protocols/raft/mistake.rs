//! What may be done wrongly on purpose, so that a check has something to find.

crate::choice! {
    /// A mistake that is made on purpose.
    #[derive(Default)]
    pub enum Mistake {
        /// None.
        #[default]
        None = "none",
        /// A vote is given before, and without, its being on the disk.
        VoteForgotten = "vote-forgotten",
        /// A leader counts copies of earlier terms' entries, without an entry of its own (figure 8).
        OldTerm = "old-term",
        /// A follower takes entries without a look at the one before them.
        Unchecked = "unchecked",
        /// A server votes for candidates whose log lacks what its own has.
        AnyLog = "any-log",
        /// Half of the servers, rounded down, are held for a majority.
        Half = "half",
        /// A leader changes the members before an entry of its own term is committed, as in the thesis before its
        /// correction of 2015.
        EarlyChange = "early-change",
    }
}
