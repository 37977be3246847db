"""The catalogue of eco-challenges.

Owns: categories, challenges and their immutable versions, impact factors.
Emits: ChallengePublished, ChallengeRetired.
Listens: identity, for the keys of access tokens and for suspensions.
"""
