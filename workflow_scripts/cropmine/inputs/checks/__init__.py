"""Are the inputs sound?"""
