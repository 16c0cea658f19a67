# slim.pl: takes out of a release what only its readers need, in the folder where it is called: indentation and comments,
# of scripts those on lines of their own, of styles and of the page all. No text in these files goes over the end of a
# line, or has what begins a comment.
use strict;
use warnings;

my %text;
for my $name ('faultline.js', 'boot.js', glob('*.css'), 'index.html') {
    open my $file, '<:raw', $name or die "$name: $!";
    local $/;
    $text{$name} = <$file>;
}

for my $name (keys %text) {
    for ($text{$name}) {
        s/^\s+//mg;
        if ($name =~ /\.js$/) { s{^//.*\n}{}mg; s{^/\*\*.*?\*/\n}{}msg }
        s{/\*.*?\*/\n?}{}gs if $name =~ /\.css$/;
        s/("[^"]*")|\s*([{};,]|(?<=[a-z]):(?= ))\s*/$1 || $2/ge if $name =~ /\.css$/;
        s{<!--.*?-->\n?}{}gs if $name =~ /\.html$/;
    }
}

for my $name (keys %text) {
    open my $file, '>:raw', $name or die "$name: $!";
    print $file $text{$name};
    close $file or die "$name: $!";
}
