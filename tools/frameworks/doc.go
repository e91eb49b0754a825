// Package frameworks holds the tests of Footfall inside of other people's routers and
// frameworks, and the few lines that some of them need beside it. It is a module of its own, so
// that none of them is a dependency of the library. docs/integrations.md quotes it.
package frameworks
