//! Traits, generics, closures, collections and a thread, for as many ms as asked for: names worth demangling.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

trait Shape {
    fn area(&self) -> f64;
}

struct Square(f64);
struct Circle(f64);

impl Shape for Square {
    #[inline(never)]
    fn area(&self) -> f64 {
        (0..60).map(|i| self.0 * f64::from(i)).sum()
    }
}

impl Shape for Circle {
    #[inline(never)]
    fn area(&self) -> f64 {
        (0..90).map(|i| self.0.sqrt() * f64::from(i)).sum()
    }
}

#[inline(never)]
fn total<T: AsRef<dyn Shape>>(shapes: &[T]) -> f64 {
    shapes.iter().map(|shape| shape.as_ref().area()).sum()
}

#[inline(never)]
fn words(count: usize) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for i in 0..count {
        *seen.entry(format!("key{}", i * 7919 % 1000)).or_insert(0) += 1;
    }
    seen
}

#[inline(never)]
fn grouped(count: usize) -> HashMap<String, Vec<usize>> {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for i in 0..count {
        groups.entry(format!("group{}", i % 97)).or_default().push(i);
    }
    groups
}

fn main() {
    let ms = std::env::args().nth(1).and_then(|ms| ms.parse().ok()).unwrap_or(500);
    let end = Instant::now() + Duration::from_millis(ms);
    let shapes: Vec<Box<dyn Shape>> = (0..500)
        .map(|i| if i % 2 == 0 { Box::new(Square(i.into())) as Box<dyn Shape> } else { Box::new(Circle(i.into())) })
        .collect();
    let mut sum = 0.0;
    while Instant::now() < end {
        sum += total(&shapes);
        let mut keys: Vec<String> = words(2000).into_keys().collect();
        keys.sort_by(|a, b| b.chars().rev().cmp(a.chars().rev()));
        sum += grouped(3000).values().map(|group| group.len() as f64).sum::<f64>();
        let parsed = std::thread::spawn(move || keys.iter().map(|key| key.parse::<f64>().unwrap_or(1.0)).sum::<f64>());
        sum += parsed.join().unwrap();
    }
    println!("{sum}");
}
