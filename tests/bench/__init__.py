"""The numbers: `make bench`. Each figure stands beside a ceiling measured in the same run, on the same machine."""
