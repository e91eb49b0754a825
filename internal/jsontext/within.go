package jsontext

// Within reports whether JSON text is at most so many levels deep and has at most so many
// brackets and commas, of which there are at least as many as values, less one. Ask it
// before text of a stranger is decoded into maps and slices: these take a hundred times
// the bytes of the text, and each level some of the stack. Text that is no JSON may be
// within them too.
func Within(text []byte, levels, marks int) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			continue
		case ',':
		default:
			continue
		}
		if marks--; marks < 0 || depth > levels {
			return false
		}
	}
	return true
}
