//! Traits, generics, closures, recursion, panics that are caught and a thread, for as many ms as asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

trait Shape {
    fn area(&self) -> f64;
}

struct Square(f64);
struct Circle(f64);

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        self.0.powi(2) * 3.14
    }
}

enum Tree {
    Leaf,
    Node(Box<Tree>, u32, Box<Tree>),
}

fn insert(tree: Tree, key: u32) -> Tree {
    match tree {
        Tree::Leaf => Tree::Node(Box::new(Tree::Leaf), key, Box::new(Tree::Leaf)),
        Tree::Node(left, own, right) if key < own => Tree::Node(Box::new(insert(*left, key)), own, right),
        Tree::Node(left, own, right) => Tree::Node(left, own, Box::new(insert(*right, key))),
    }
}

fn fold<F: Fn(u32) -> f64>(tree: &Tree, value: &F) -> f64 {
    match tree {
        Tree::Leaf => 0.0,
        Tree::Node(left, key, right) => fold(left, value) + value(*key) + fold(right, value),
    }
}

fn fall(level: u32) -> u32 {
    let name = format!("level {level}");
    if level == 0 {
        std::panic::resume_unwind(Box::new(name));
    }
    fall(level - 1) + name.len() as u32
}

fn words(count: usize) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for i in 0..count {
        *seen.entry(format!("key{}", i * 7919 % 1000)).or_insert(0) += 1;
    }
    seen
}

fn grouped(count: usize) -> HashMap<String, Vec<usize>> {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for i in 0..count {
        groups.entry(format!("group{}", i % 97)).or_default().push(i);
    }
    groups
}

fn round(seed: u32) -> f64 {
    let mut tree = Tree::Leaf;
    for i in 0..300 {
        tree = insert(tree, (i + seed) * 7919 % 1009);
    }
    let mut sum = fold(&tree, &|key| f64::from(key).sqrt());
    for level in 0..12 {
        sum += std::panic::catch_unwind(|| fall(level)).map_or(1.0, f64::from);
    }
    let shapes: Vec<Box<dyn Shape>> = (0..500)
        .map(|i| if i % 2 == 0 { Box::new(Square(i.into())) as Box<dyn Shape> } else { Box::new(Circle(i.into())) })
        .collect();
    sum += shapes.iter().map(|shape| shape.area()).sum::<f64>();
    let mut keys: Vec<String> = words(1000).into_keys().collect();
    keys.sort_by(|a, b| b.chars().rev().cmp(a.chars().rev()));
    sum + grouped(1000).values().map(|group| group.len() as f64).sum::<f64>() + keys.len() as f64
}

fn rounds() -> f64 {
    // long enough for a thread to be sampled
    (0..100).map(round).sum()
}

fn main() {
    let ms = std::env::args().nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(500);
    let end = Instant::now() + Duration::from_millis(ms);
    let mut sum = 0.0;
    while Instant::now() < end {
        sum += rounds();
        sum += std::thread::spawn(rounds).join().unwrap();
    }
    println!("{sum}");
}
