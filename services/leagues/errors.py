"""What the game refuses, and what to do then."""

from __future__ import annotations

from shared.errors import Conflict, Forbidden, Invalid, NotFound, message


class EditionNotOpen(Conflict):
    """The edition is not in a phase that allows this."""

    code = "edition_not_open"
    text = message("This edition is in the phase “{phase}”: this is possible only in {allowed}.")


class DatesImpossible(Invalid):
    """An edition that ends before it starts, or the like."""

    code = "dates_impossible"
    text = message(
        "The dates do not fit: an edition starts, then ends, within 366 days, and registration ends by then."
    )


class LimitsImpossible(Invalid):
    """A smallest number of players above the largest."""

    code = "limits_impossible"
    text = message("The limits do not fit: min_players is above max_players. Correct one of them.")


class DatesFixed(Conflict):
    """The edition has started: its dates and limits no longer change."""

    code = "dates_fixed"
    text = message("The edition has started: only its name may still change.")


class PhaseImpossible(Conflict):
    """A phase that does not come next."""

    code = "phase_impossible"
    text = message("This edition is in the phase “{phase}” and cannot go to “{wanted}” now.")


class EditionOfAnotherAudience(Conflict):
    """The edition is made for another kind of tenant."""

    code = "edition_of_another_audience"
    text = message("This edition is for another audience ({audience}). Choose an edition for yours.")


class CodeUnknown(NotFound):
    """No league has this code."""

    code = "code_unknown"
    text = message("No league has the code “{given}”. Check it with the person who gave it to you.")


class LeagueFull(Conflict):
    """The league has its maximum of players."""

    code = "league_full"
    text = message("This league is full: it takes {maximum} players. Ask its leader, or join another league.")


class AlreadyPlaying(Conflict):
    """The person is a player of this league."""

    code = "already_playing"
    text = message("You already play in this league.")


class NameNeeded(Invalid):
    """No name to show."""

    code = "name_needed"
    text = message("Give a name to show in the league (display_name).")


class NotInLeague(Forbidden):
    """The caller neither plays in nor leads the league."""

    code = "not_in_league"
    text = message("Only players and leaders of this league see this. Join it with its code.")


class EditionOver(Conflict):
    """A draft whose end has passed is to be published."""

    code = "edition_over"
    text = message("This edition would be over already: it ends on {ends_at}. Change its dates, then publish it.")


class ParticipationOnly(Forbidden):
    """HR asks what somebody did."""

    code = "participation_only"
    text = message("You see who takes part, not what each person did. Join the league as a player to read its story.")


class NotLeader(Forbidden):
    """Only a leader of the league, or an administrator, may do this."""

    code = "not_leader"
    text = message("Only a leader of this league can do this. Ask one of them.")


class NotYours(Forbidden):
    """A completion or a player that is somebody else's."""

    code = "not_yours"
    text = message("You can do this for yourself only; a leader of the league can do it for others.")


class LastLeader(Conflict):
    """A league is never without a leader."""

    code = "last_leader"
    text = message("A league keeps at least one leader: appoint another one first, then step down.")


class PersonUnknown(NotFound):
    """No such active person in this tenant."""

    code = "person_unknown"
    text = message("Nobody active in your organisation has this identifier. Check the list of people.")


class TeamUnknown(NotFound):
    """The team is not one of this league."""

    code = "team_unknown"
    text = message("This league has no such team. Load its teams again.")


class TeamsLocked(Conflict):
    """Teams no longer change."""

    code = "teams_locked"
    text = message("The teams of this league are locked since {since}. A leader can unlock them.")


class TeamNameTaken(Conflict):
    """Two teams of a league have different names."""

    code = "team_name_taken"
    text = message("This league already has a team named “{name}”. Choose another name.")


class TooManyTeams(Conflict):
    """More teams than a league can have."""

    code = "too_many_teams"
    text = message("A league has {maximum} teams at most.")


class ChallengeUnknown(NotFound):
    """No such challenge is published, or it was retired."""

    code = "challenge_unknown"
    text = message("This challenge is not in the catalogue any more, or not yet. Choose another one.")


class ChallengeOfAnotherAudience(Conflict):
    """The challenge is not made for this kind of tenant or this age."""

    code = "challenge_of_another_audience"
    text = message("This challenge is not offered to your league: it is for {audiences}.")


class TierUnknown(Invalid):
    """The challenge has several values and none, or a wrong one, was chosen."""

    code = "tier_unknown"
    text = message("Choose one of the values of this challenge (tier): {tiers}.")


class DayInFuture(Invalid):
    """A day that has not come yet in the tenant's zone."""

    code = "day_in_future"
    text = message("{day} has not come yet: record what was done today or before.")


class DayOutsideEdition(Invalid):
    """A day before the edition's first or after its last."""

    code = "day_outside_edition"
    text = message("{day} is outside the edition, which runs from {first} to {last}.")


class CapReached(Conflict):
    """The repeat rule grants no more in this period."""

    code = "cap_reached"
    text = message("This challenge counts {times} × per {per}, and that is done. Choose another one!")


class AnotherCompletion(Conflict):
    """The same id was used for something else."""

    code = "another_completion"
    text = message("This identifier already belongs to another completion: make a new one for each act.")


class PlayerUnknown(NotFound):
    """No such player in this league, or they have left."""

    code = "player_unknown"
    text = message("This league has no such player, or they have left. Load its players again.")


class OwnCompletion(Conflict):
    """A reaction to what one did oneself."""

    code = "own_completion"
    text = message("This is yours: let the others applaud.")
