# Blocks, classes, recursion, regular expressions, JSON and a thread, for as many ms as asked for.
require "json"
require "set"

Row = Struct.new(:id, :name, :value) do
  include Comparable
  def <=>(other) = [value, id] <=> [other.value, other.id]
end

def fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2)

def fall(level)
  raise ArgumentError, "down" if level.zero?

  fall(level - 1) + 1
end

def round_of_work
  rows = (0...300).map { |i| Row.new(i, "row#{i * 7919 % 300}", i * 37 % 101) }
  text = JSON.generate(rows.sort.map(&:to_h))
  words = JSON.parse(text).map { |row| row["name"] }.grep(/r(o+)w\d*7/).to_set
  sum = words.size + fib(15) + text.gsub(/\d+/) { |number| number.reverse }.length
  groups = rows.group_by { |row| row.name[-1] }
  sum += groups.sum { |_, group| group.max_by(&:value).id }
  20.times do |i|
    sum += fall(i)
  rescue ArgumentError => e
    sum += e.message.length
  end
  sum + [3, 1, 2, 5, 4].permutation.count { |order| order.each_cons(2).all? { |a, b| a != b + 1 } }
end

finish = Process.clock_gettime(Process::CLOCK_MONOTONIC) + (ARGV[0] || "500").to_i / 1000.0
total = 0
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < finish
  total += round_of_work
  total += Thread.new { round_of_work }.value
end
puts total
