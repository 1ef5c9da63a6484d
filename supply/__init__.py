"""What Signs is made of: locked packages, their licences, a bill of materials, known holes in them."""
