//! What an audit adds up.

/// The sums of one currency, minor units.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) float: i128,
    pub(crate) purses: i128,
    pub(crate) merchants: i128,
    pub(crate) in_flight: i128,
    pub(crate) accounts: i128,
    pub(crate) withheld: i128,
    pub(crate) unclaimed: i128,
    pub(crate) position: i128,
    pub(crate) outside: i128,
}

impl Sums {
    pub(crate) const fn held(&self) -> i128 {
        self.purses + self.merchants + self.in_flight
    }

    /// What the cards have beyond the books.
    pub(crate) const fn difference(&self) -> i128 {
        self.held() - self.float
    }

    /// The ledger's own entries sum to zero.
    pub(crate) const fn ledger_holds(&self) -> bool {
        self.float + self.accounts + self.withheld + self.unclaimed + self.position + self.outside == 0
    }
}
