<?php
// Classes, closures, generators, recursion, regular expressions and JSON, for as many ms as asked for.
interface Shape
{
    public function area(): float;
}

final class Square implements Shape
{
    public function __construct(private float $side)
    {
    }

    public function area(): float
    {
        return $this->side ** 2;
    }
}

function fib(int $n): int
{
    return $n < 2 ? $n : fib($n - 1) + fib($n - 2);
}

function fall(int $level): int
{
    if ($level === 0) {
        throw new RuntimeException("down");
    }
    return fall($level - 1) + 1;
}

function words(int $count): Generator
{
    for ($i = 0; $i < $count; $i++) {
        yield "key" . ($i * 7919 % $count) => $i * 0.37;
    }
}

function round_of_work(): float
{
    $rows = iterator_to_array(words(500));
    uksort($rows, fn (string $a, string $b): int => strcmp(strrev($a), strrev($b)));
    $text = json_encode(array_map(fn ($key, $value) => ["name" => $key, "value" => $value], array_keys($rows), $rows));
    $sum = count(json_decode($text, true)) + preg_match_all('/k(e+)y\d*7/', $text);
    $sum += strlen(preg_replace_callback('/\d+/', fn (array $match): string => strrev($match[0]), $text));
    foreach (array_map(fn (int $side): Shape => new Square($side), range(1, 200)) as $shape) {
        $sum += $shape->area();
    }
    for ($i = 0; $i < 20; $i++) {
        try {
            $sum += fall($i);
        } catch (RuntimeException $e) {
            $sum += strlen($e->getMessage());
        }
    }
    usort($rows, fn (float $a, float $b): int => $b <=> $a);
    return $sum + fib(14) + strlen(hash("sha256", gzcompress($text)));
}

$end = hrtime(true) + 1e6 * (int) ($argv[1] ?? 500);
$total = 0.0;
while (hrtime(true) < $end) {
    $total += round_of_work();
}
echo $total, "\n";
