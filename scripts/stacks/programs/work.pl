# Closures, packages, recursion, sorting and regular expressions, for as many ms as asked for.
use strict;
use warnings;
use Time::HiRes qw(time);
use List::Util qw(sum first);

package Shape {
    sub new { my ($class, %fields) = @_; return bless {%fields}, $class }
    sub area { my $self = shift; return $self->{side} ** 2 }
}

sub fib { my $n = shift; return $n < 2 ? $n : fib($n - 1) + fib($n - 2) }

sub fall { my $level = shift; die "down\n" if !$level; return fall($level - 1) + 1 }

sub round_of_work {
    my %rows = map { ("key" . $_ * 7919 % 500, $_ * 0.37) } 1 .. 500;
    my @names = sort { reverse($a) cmp reverse($b) } keys %rows;
    my $text = join ",", map { "$_=$rows{$_}" } @names;
    my $sum = () = $text =~ /k(e+)y\d*7/g;
    (my $other = $text) =~ s/(\d+)/reverse $1/ge;
    $sum += sum(map { Shape->new(side => $_)->area } 1 .. 200) + length $other;
    $sum += (first { $rows{$_} > 100 } @names) ? 1 : 0;
    for my $level (0 .. 19) {
        eval { $sum += fall($level); 1 } or $sum += length $@;
    }
    return $sum + fib(12) + length sprintf "%s" x 200, map { $_ ** 0.5 } 1 .. 200;
}

my $end = time + ($ARGV[0] // 500) / 1000;
my $total = 0;
$total += round_of_work() while time < $end;
print "$total\n";
