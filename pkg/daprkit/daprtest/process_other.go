//go:build !linux

package daprtest

// own starts and awaits the process.
func (p *process) own(started chan<- error) {
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // its state tells
	}
}
