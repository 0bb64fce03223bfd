//! The least a Rust program can do: the yardstick for start-up.

fn main() {
    println!("hello 0.1.0");
}
