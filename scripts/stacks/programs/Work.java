import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Interfaces, lambdas, streams, recursion, exceptions, regular expressions and a thread, for as many ms as asked for. */
public final class Work {
    interface Shape {
        double area();
    }

    record Square(double side) implements Shape {
        public double area() {
            return side * side;
        }
    }

    record Circle(double radius) implements Shape {
        public double area() {
            return Math.PI * radius * radius;
        }
    }

    static final Pattern WORD = Pattern.compile("k(e+)y\\d*7");

    static int fib(int n) {
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
    }

    static int fall(int level) {
        if (level == 0) throw new IllegalStateException("down");
        return fall(level - 1) + 1;
    }

    static <T> double fold(List<T> items, ToDoubleFunction<T> value) {
        double sum = 0;
        for (T item : items) sum += value.applyAsDouble(item);
        return sum;
    }

    static double round() {
        List<Shape> shapes = new ArrayList<>();
        for (int i = 0; i < 500; i++) shapes.add(i % 2 == 0 ? new Square(i) : new Circle(i));
        double sum = fold(shapes, Shape::area) + fib(20);
        Map<String, List<Integer>> groups = IntStream.range(0, 2000).boxed()
            .collect(Collectors.groupingBy(i -> "key" + i % 97, TreeMap::new, Collectors.toList()));
        List<String> words = groups.keySet().stream().filter(word -> WORD.matcher(word).find())
            .sorted(Comparator.comparing(String::length).thenComparing(Comparator.reverseOrder())).toList();
        Map<Integer, StringBuilder> texts = new HashMap<>();
        for (int i = 0; i < 2000; i++) {
            texts.computeIfAbsent(i % 13, key -> new StringBuilder()).append(i).append(' ');
        }
        for (int i = 0; i < 20; i++) {
            try {
                sum += fall(i);
            } catch (IllegalStateException e) {
                sum += e.getMessage().length();
            }
        }
        return sum + words.size() + texts.size();
    }

    /** Long enough for a thread to be sampled. */
    static double rounds() {
        return IntStream.range(0, 50).mapToDouble(i -> round()).sum();
    }

    public static void main(String[] args) throws InterruptedException {
        long end = System.nanoTime() + 1_000_000L * (args.length > 0 ? Long.parseLong(args[0]) : 500);
        double[] sums = new double[2];
        while (System.nanoTime() < end) {
            sums[0] += rounds();
            Thread other = new Thread(() -> sums[1] += rounds());
            other.start();
            other.join();
        }
        System.out.println(sums[0] + sums[1]);
    }
}
