// Templates, virtual and recursive calls, comparators, exceptions and a thread, for as many ms as asked for.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace {

struct Expression {
	virtual ~Expression() = default;
	virtual double value() const = 0;
	virtual int depth() const { return 1; }
};

struct Constant : Expression {
	double number;
	explicit Constant(double number) : number(number) {}
	double value() const override { return number; }
};

struct Failure : std::runtime_error {
	int level;
	Failure(const std::string &what, int level) : std::runtime_error(what), level(level) {}
};

template <typename Operation> struct Binary : Expression {
	std::unique_ptr<Expression> left, right;
	Operation operation;

	Binary(std::unique_ptr<Expression> left, std::unique_ptr<Expression> right)
		: left(std::move(left)), right(std::move(right)) {}
	double value() const override { return operation(left->value(), right->value()); }
	int depth() const override { return 1 + std::max(left->depth(), right->depth()); }
};

struct Divide {
	double operator()(double a, double b) const
	{
		if (b == 0)
			throw Failure("division by zero", 0);
		return a / b;
	}
};

std::unique_ptr<Expression> build(int depth, unsigned &seed)
{
	seed = seed * 1103515245 + 12345;
	if (depth == 0)
		return std::make_unique<Constant>(seed >> 16 & 7);
	auto left = build(depth - 1, seed), right = build(depth - 1, seed);
	switch (seed >> 20 & 3) {
	case 0:
		return std::make_unique<Binary<std::plus<double>>>(std::move(left), std::move(right));
	case 1:
		return std::make_unique<Binary<std::minus<double>>>(std::move(left), std::move(right));
	case 2:
		return std::make_unique<Binary<Divide>>(std::move(left), std::move(right));
	default:
		return std::make_unique<Binary<std::multiplies<double>>>(std::move(left), std::move(right));
	}
}

template <int Depth> __attribute__((noinline)) double nested(double value)
{
	double sum = 0;
	for (int i = 0; i < 3; i++)
		sum += nested<Depth - 1>(value + i) * 0.5;
	return sum;
}
template <> __attribute__((noinline)) double nested<0>(double value)
{
	return value * value;
}

struct Guard {
	std::string name;
	~Guard() { name.clear(); }
};

__attribute__((noinline)) int fall(int level, int from)
{
	Guard guard{ std::string(40, static_cast<char>('a' + level % 26)) };
	if (level == 0)
		throw Failure(guard.name, from);
	return fall(level - 1, from) + 1;
}

int catches(int times)
{
	int sum = 0;
	for (int i = 0; i < times; i++) {
		try {
			sum += fall(i % 12, i);
		} catch (const Failure &failure) {
			sum += failure.level;
		}
	}
	return sum;
}

std::map<std::string, std::vector<int>> group(int count)
{
	std::map<std::string, std::vector<int>> groups;
	for (int i = 0; i < count; i++) {
		std::ostringstream word;
		word << "key" << i * 7919 % 200 << ' ' << i * 0.25;
		groups[word.str().substr(0, 5)].push_back(i);
	}
	return groups;
}

double sorted(int count)
{
	std::vector<std::pair<std::string, double>> rows;
	for (int i = 0; i < count; i++)
		rows.emplace_back("row" + std::to_string(i * 7919 % count), i * 0.37);
	std::sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.first > b.first; });
	std::function<bool(const std::pair<std::string, double> &, const std::pair<std::string, double> &)> by =
		[](const auto &a, const auto &b) { return a.second < b.second; };
	std::stable_sort(rows.begin(), rows.end(), by);
	return rows.front().second;
}

using Value = std::variant<int, double, std::string>;

double total(const std::vector<Value> &values)
{
	return std::accumulate(values.begin(), values.end(), 0.0, [](double sum, const Value &value) {
		return sum + std::visit([](const auto &each) {
			if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::string>)
				return std::strtod(each.c_str(), nullptr);
			else
				return static_cast<double>(each);
		}, value);
	});
}

double round_of_work(unsigned seed)
{
	double sum = 0;
	for (int i = 0; i < 4; i++) {
		auto expression = build(9, seed);
		try {
			sum += expression->value() + expression->depth();
		} catch (const Failure &) {
			sum += 1;
		}
	}
	sum += nested<7>(1.5) + catches(60) + static_cast<double>(group(300).size()) + sorted(300);
	std::vector<Value> values;
	for (int i = 0; i < 300; i++) {
		if (i % 3 == 0)
			values.emplace_back(i);
		else if (i % 3 == 1)
			values.emplace_back(i * 0.5);
		else
			values.emplace_back(std::to_string(i));
	}
	return sum + total(values);
}

} // namespace

int main(int argc, char **argv)
{
	auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(argc > 1 ? std::atoi(argv[1]) : 500);
	double sum = 0;
	while (std::chrono::steady_clock::now() < end) {
		// long enough for a thread to be sampled
		auto work = [&sum] {
			for (unsigned seed = 1; seed < 50; seed++)
				sum += round_of_work(seed);
		};
		work();
		std::thread(work).join();
	}
	std::cout << sum << '\n';
}
