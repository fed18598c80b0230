//! The program has no start-up code of its own: the C runtime calls `main`.
fn main() {
    println!("cargo::rustc-link-arg=-lc");
}
