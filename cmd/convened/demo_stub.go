package main

type demoCommand struct{}

func (demoCommand) Run(*env) error { return nil }
