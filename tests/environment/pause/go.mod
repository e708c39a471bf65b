// The process that holds a pod's namespaces.
module nbcontainer.test/pause

go 1.24
