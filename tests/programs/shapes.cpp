// Templates, virtual calls, lambdas and the standard library, for as many ms as asked for: names worth demangling.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace shapes {

struct Shape {
	virtual ~Shape() = default;
	virtual double area() const = 0;
};

template <int Corners> struct Polygon : Shape {
	double side;

	explicit Polygon(double side) : side(side) {}

	double area() const override
	{
		double sum = 0;
		for (int i = 1; i < Corners * 50; i++)
			sum += side * side / i;
		return sum;
	}
};

template <typename T, typename F> double fold(const std::vector<T> &items, F value)
{
	double sum = 0;
	for (const T &item : items)
		sum += value(item);
	return sum;
}

std::map<std::string, int> words(int count)
{
	std::map<std::string, int> seen;
	for (int i = 0; i < count; i++) {
		std::ostringstream word;
		word << "key" << i * 7919 % 1000;
		seen[word.str()]++;
	}
	return seen;
}

} // namespace shapes

int main(int argc, char **argv)
{
	using namespace shapes;
	auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(argc > 1 ? std::atoi(argv[1]) : 500);
	std::vector<std::unique_ptr<Shape>> all;
	for (int i = 0; i < 1000; i++) {
		all.push_back(std::make_unique<Polygon<3>>(i));
		all.push_back(std::make_unique<Polygon<4>>(i));
	}
	double sum = 0;
	while (std::chrono::steady_clock::now() < end) {
		sum += fold(all, [](const std::unique_ptr<Shape> &shape) { return shape->area(); });
		std::vector<std::string> keys;
		for (const auto &[word, count] : words(2000))
			keys.push_back(word);
		std::sort(keys.begin(), keys.end(), [](const auto &a, const auto &b) { return a.back() < b.back(); });
		sum += static_cast<double>(keys.size());
	}
	std::cout << sum << '\n';
}
