// Goroutines, closures, recursion, sorting, maps, JSON and the garbage collector, for as many ms as asked for.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type shape interface{ area() float64 }
type square struct{ side float64 }
type circle struct{ radius float64 }

func (s square) area() float64 { return s.side * s.side }
func (c circle) area() float64 { return 3.14 * c.radius * c.radius }

type row struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Tags  []string `json:"tags"`
}

var word = regexp.MustCompile(`k(e+)y\d*7`)

//go:noinline
func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func rows(count int) []row {
	all := make([]row, count)
	for i := range all {
		all[i] = row{i * 7919 % count, fmt.Sprintf("key%d", i), float64(i) * 0.37, strings.Fields("a bb ccc")}
	}
	sort.Slice(all, func(a, b int) bool { return all[a].ID < all[b].ID })
	return all
}

func work(seed int) float64 {
	sum := float64(fib(18))
	all := rows(300 + seed%7)
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	var again []row
	if err := json.Unmarshal(text, &again); err != nil {
		panic(err)
	}
	seen := map[string]int{}
	for _, each := range again {
		seen[each.Name+strconv.Itoa(each.ID%10)]++
		if word.MatchString(each.Name) {
			sum++
		}
	}
	shapes := []shape{square{2}, circle{3}}
	for i := 0; i < 1000; i++ {
		sum += shapes[i%2].area()
	}
	return sum + float64(len(seen)) + caught()
}

func caught() (result float64) {
	defer func() {
		if recover() != nil {
			result = 1
		}
	}()
	var none []int
	return float64(none[3])
}

func main() {
	ms := 500
	if len(os.Args) > 1 {
		ms, _ = strconv.Atoi(os.Args[1])
	}
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	sum := 0.0
	for time.Now().Before(end) {
		var group sync.WaitGroup
		parts := make(chan float64, 4)
		for i := 0; i < 4; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				parts <- work(i)
			}()
		}
		group.Wait()
		close(parts)
		for part := range parts {
			sum += part
		}
	}
	fmt.Println(sum)
}
