module example.com/portability

go 1.23
