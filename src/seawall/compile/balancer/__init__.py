"""Load balancers as an engine serves them: configuration texts, pools of targets, and what log lines say."""
