// Package scenarios holds no code, only tests: what a shop, its visitors and its
// stores go through together, through the public API alone.
//
// It owns one file for each rule, and the number of each thing that the Express
// service got wrong, as far as this package decides it: of the seed defects, 10, 11,
// 28 and parts of 26 and 34 are package enrich's; 14, 15 and 17 are the shop's; and
// 2 and 22 are also the command's.
// It promises that every scenario runs on a stage of its own, on real stores.
// It never looks into the parts of a tracker: those have tests beside them.
package scenarios
