module org.emulab/agent

go 1.22
