"""What would change the answer: other districts, neighbours, comparisons, weights, years and specifications."""
