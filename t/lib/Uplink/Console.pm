package Uplink::Console;

# A fleet with its console, for tests that look at it in a browser.
#
#   use Uplink::Console;                 # skips the test without a browser
#
#   my $t = Uplink::Console->new;        # an Uplink::Fleet
#   $t->console->run;                    # or console('more lines', …)
#   my $page = $t->open;                 # signed in; ('#/fleet', phone => 1)
#   my $card = $t->card($page, 'rm -rf');      # selector of that card
#   $t->finish;                          # nginx and browser

use strict;
use warnings;

use Test::More ();

use Uplink::Browser;

use parent 'Uplink::Fleet';

sub import {
    Uplink::Browser->import;
    return;
}

sub console {
    my ($self, $more, %arg) = @_;

    return $self->fleet(($more // '') . <<'EOC', size => '4m', %arg);
        location /console/ { uplink_console main; }

        location ~ ^/ws/issues/(?<issue>[^/]+)/terminal$ {
            uplink_terminal main issue=$issue workspace=$arg_workspace_id;
        }
EOC
}

sub browser_process {
    my ($self) = @_;

    return $self->{chromium} //= Uplink::Browser->new;
}

sub url { 'http://127.0.0.1:' . $_[0]->port . '/console/' . ($_[1] // '') }

# a page, as it comes

sub visit {
    my ($self, $hash, %arg) = @_;

    return $self->browser_process->page($self->url($hash), %arg);
}

# a page that is connected

sub open {
    my ($self, $hash, %arg) = @_;

    my $page = $self->visit($hash, %arg);
    $page->wait('.link[data-state="online"]', 'attached');

    return $page;
}

# the card with this text

sub card {
    my ($self, $page, $text) = @_;

    my $selector = ".card:has-text(\"$text\")";
    $page->wait($selector, 'attached');

    return $selector;
}

# the button of that card

sub press {
    my ($self, $page, $card, $name) = @_;

    $page->click("$card >> role=button[name=\"$name\"]");
    return;
}

sub finish {
    my ($self, @arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    if ($self->{chromium}) {
        $self->{chromium}->leave;
        Test::More::ok($self->wait_for(sub {
            !$self->status->{operators}{sessions};
        }), 'sessions end with their pages');
        $self->{chromium}->finish;
    }

    return $self->SUPER::finish(@arg);
}

1;
