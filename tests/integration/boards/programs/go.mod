module example.org/emulab/boards

go 1.22
