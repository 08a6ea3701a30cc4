// Command part is the plugin that plugged opens.
package main

// Double returns its values, doubled.
func Double(values []int) []int {
	doubled := []int{}
	for _, each := range values {
		doubled = append(doubled, 2*each)
	}
	return doubled
}

func main() {}
