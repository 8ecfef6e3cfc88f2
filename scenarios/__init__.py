"""Built-in scenarios, one file each: a module that defines SCENARIO. Files whose name starts with _ are not scenarios."""
