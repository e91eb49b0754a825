module github.com/footfall-go/footfall/tools/platforms

go 1.26.0
